// Set by build.mjs: the panel's hashed address beside widget.js, and the strings files by language.
declare const PANEL: string;
declare module "*.css" {
  const text: string;
  export default text;
}
