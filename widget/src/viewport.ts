// On a phone the panel fills what the on-screen keyboard leaves of the screen (visualViewport), and
// nothing of it lies beneath.

/** Below this width or height (CSS pixels) the panel takes the whole screen. */
export const SMALL = "(max-width: 640px), (max-height: 480px)";

/**
 * Keep `panel`'s --view-height and --view-top at the visible part of the page until the returned
 * function is called.
 */
export function followKeyboard(panel: HTMLElement, moved: () => void): () => void {
  const view = window.visualViewport;
  const place = () => {
    panel.style.setProperty("--view-height", `${view?.height ?? innerHeight}px`);
    panel.style.setProperty("--view-top", `${view?.offsetTop ?? 0}px`);
    moved();
  };
  place();
  view?.addEventListener("resize", place);
  view?.addEventListener("scroll", place);
  return () => {
    view?.removeEventListener("resize", place);
    view?.removeEventListener("scroll", place);
  };
}
