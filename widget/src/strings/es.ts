// Spanish. The answers themselves come from the knowledge base in the language it is written in.
import type { Strings } from "./en";

const es: Strings = {
  automated: "Asistente automático",
  close: "Cerrar",
  menu: "Más",
  person: "Hablar con una persona",
  before: "Antes de empezar",
  notice:
    "Soy {name}, un asistente automático de {clinic}, **no un profesional sanitario**.\n\n" +
    "- Doy información general sobre el microneedling, en inglés. No puedo examinarle, ponerle " +
    "nombre a una dolencia, mirar fotos ni decir si un tratamiento es adecuado para usted.\n" +
    "- No escriba nombres, fotos ni su historial médico.\n" +
    "- En una emergencia llame al **{number}**.\n" +
    "- Las conversaciones se guardan {days} días.",
  privacy: "Aviso de privacidad",
  accept: "Entiendo, empezar",
  emergencyCall: "Emergencia: llame al {number}",
  small: "Información general, no consejo médico.",
  conversation: "Conversación",
  chat: "Chat",
  you: "Usted dijo",
  caveat: "Tenga en cuenta",
  caution: "Importante para usted",
  today: "Urgente",
  emergency: "Emergencia",
  soon: "Contacte con la clínica",
  crisis: "Hay quien le escucha",
  call: "Llamar al {number}",
  sources: "Fuentes ({count})",
  reviewed: "Revisado el {date}",
  newTab: "se abre en otra pestaña",
  choices: "También puede preguntar",
  up: "Útil",
  down: "No es útil",
  thanks: "Gracias.",
  comment: "Una palabra al respecto (opcional)",
  sendComment: "Enviar",
  refused: "No se pudo enviar. Inténtelo de nuevo.",
  typing: "{name} está escribiendo",
  waiting: "En espera de envío",
  notSent: "Aún no enviado",
  box: "Su pregunta",
  placeholder: "Escriba su pregunta",
  send: "Enviar",
  left: "Quedan {count} caracteres",
  over: "{count} caracteres de más; puede que le pida que lo acorte",
  restart: "Empezar de nuevo",
  transcript: "Guardar como texto",
  erase: "Borrar mi conversación",
  about: "Sobre este asistente",
  back: "Volver",
  restartAsk: "¿Empezar de nuevo? Esta conversación desaparece de la pantalla.",
  restartYes: "Empezar de nuevo",
  eraseAsk:
    "¿Borrar esta conversación del servidor de la clínica y de esta página? No se puede deshacer.",
  eraseYes: "Borrarla",
  eraseFailed: "No se pudo borrar ahora. Inténtelo de nuevo o llame al {phone}.",
  erasing: "Borrando",
  erased: "Su conversación ha sido borrada.",
  erasedSent:
    "Su conversación ha sido borrada. La clínica ya tiene su solicitud: llame al {phone}.",
  erasedExpired:
    "Esta conversación ha caducado y no se puede borrar desde aquí. " +
    "Se elimina sola a los {days} días; para borrarla antes, llame al {phone}.",
  begin: "Empezar otra conversación",
  personText: "El equipo de {clinic} le ayudará con gusto.",
  mail: "Escribir a {email}",
  book: "Reservar en línea",
  hours: "Horario",
  ask: "Pedir contacto aquí",
  askText: "I would like to talk to a person.",
  expired:
    "La conversación anterior ha caducado. " +
    "Ha empezado otra; sus respuestas ya no conocen lo dicho arriba.",
  restarted: "Una conversación nueva.",
  unknown_choice: "Esa opción ya no existe. Escriba su pregunta.",
  too_large:
    "El texto es demasiado largo para enviarlo. Está de nuevo en el cuadro: acórtelo, por favor.",
  offline: "Parece que no hay conexión. Su mensaje se guarda y se envía cuando vuelva la conexión.",
  busy: "Ha sido mucho a la vez. Espere {seconds} segundos e inténtelo de nuevo.",
  unavailable:
    "El asistente no puede responder ahora. Su mensaje se guarda; inténtelo dentro de un momento.",
  offlineStart: "Parece que no hay conexión. El asistente la necesita.",
  unavailableStart: "No se puede contactar con el asistente ahora.",
  orCall: "O llame al {phone}.",
  retry: "Intentar de nuevo",
  loading: "Un momento",
  transcriptTitle: "Conversación con {name}, el asistente automático de {clinic}",
  transcriptEnd: "Información general, no consejo médico. En una emergencia llame al {number}.",
  me: "Usted",
};

export default es;
