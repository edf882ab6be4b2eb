// Set by build.mjs: the panel's hashed address beside widget.js, and the strings files beside the
// panel by language.
declare const PANEL: string;
declare const LANGUAGES: Record<string, string | undefined>;
declare module "*.css" {
  const text: string;
  export default text;
}
