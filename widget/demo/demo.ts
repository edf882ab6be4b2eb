// The demo page's own script: the embed code with this server's address, and its copy button.
const code = document.getElementById("code")!;
const copied = document.getElementById("copied")!;
const widget = document.querySelector<HTMLScriptElement>('script[src$="widget.js"]')!;
const { color, phone } = widget.dataset;
const settings = `data-color="${color}" data-phone="${phone}"`;
code.textContent = `<script async src="${widget.src}" ${settings}></script>`;
document.getElementById("copy")!.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(code.textContent!);
    copied.textContent = "Copied.";
  } catch {
    getSelection()?.selectAllChildren(code);
    copied.textContent = "Selected: copy it with your keyboard or menu.";
  }
});
