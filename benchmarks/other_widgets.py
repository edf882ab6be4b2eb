"""Measures other chat widgets as docs/widget.md compares them: size, content policy, accessibility
of the opened, empty panel.

    npm install --ignore-scripts --legacy-peer-deps deep-chat rasa-webchat @carbon/ai-chat react@18
    react-dom@18   (in a folder of its own) .venv/bin/python -m benchmarks.other_widgets FOLDER

Each package is bundled by the widget's own esbuild and started on a plain page the way its
documentation starts it, with and without the content policy that our widget promises to work under.
Requests that leave loopback are cut off and counted.
"""

import functools
import http.server
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Dict, Tuple

from playwright.sync_api import sync_playwright

from assistant import paths
from benchmarks.widget import packed
from tests.widget.browser import Visit, start

WIDGET = paths.ROOT / "widget"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'"
)
REACT = (
    "import React from 'react'; import { createRoot } from 'react-dom/client'; const show = (type,"
    " options) => createRoot(document.getElementById('root')).render(React.createElement(type,"
    " options));"
)
#: How each package is started.
STARTS = {
    "deep-chat": (
        "import 'deep-chat'; const chat = document.createElement('deep-chat'); chat.demo = true;"
        " document.getElementById('root').append(chat);"
    ),
    "rasa-webchat": (
        REACT
        + "import Chat from 'rasa-webchat'; show(Chat, { socketUrl: location.origin, title: 'Chat',"
        " embedded: true, customData: {} });"
    ),
    "@carbon/ai-chat": (
        REACT + "import { ChatContainer } from '@carbon/ai-chat'; show(ChatContainer, {"
        " openChatByDefault: true, messaging: { customSendMessage: async () => {} } });"
    ),
}
PAGE = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><title>Page</title>"
    "<main><h1>Page</h1><div id='root'></div></main>"
    "<script type='module' src='/measured/start.js'></script></html>"
)
AXE = """async () => {
  const found = await axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
  });
  const fields = document.querySelectorAll('textarea, input, [contenteditable]');
  const shadows = [...document.querySelectorAll('*')].filter((e) => e.shadowRoot);
  return {
    violations: found.violations.map((rule) => rule.id),
    undecided: found.incomplete.map((rule) => rule.id),
    shown: fields.length + shadows.length > 0,
  };
}"""


def bundle(folder: Path, package: str) -> Tuple[int, int]:
    """Bundle a package; gzip bytes of what a page loads at once, and of all of it. Raises
    CalledProcessError with esbuild's words on the terminal."""
    shutil.rmtree(folder / "measured", ignore_errors=True)
    (folder / "start.js").write_text(STARTS[package], "utf-8")
    subprocess.run(
        [
            str(WIDGET / "node_modules/.bin/esbuild"),
            "start.js",
            "--bundle",
            "--minify",
            "--splitting",
            "--format=esm",
            "--outdir=measured",
            "--metafile=measured.json",
            '--define:process.env.NODE_ENV="production"',
            "--loader:.css=text",
            "--loader:.svg=text",
            "--charset=utf8",
            "--log-level=error",
        ],
        cwd=folder,
        check=True,
    )
    outputs = json.loads((folder / "measured.json").read_text("utf-8"))["outputs"]
    first, wanted = set(), ["measured/start.js"]
    while wanted:
        name = wanted.pop()
        if name not in first:
            first.add(name)
            wanted += [
                one["path"]
                for one in outputs[name]["imports"]
                if one["kind"] == "import-statement" and one["path"] in outputs
            ]
    return tuple(
        sum(packed((folder / name).read_bytes()) for name in names) for names in (first, outputs)
    )


class Pages(http.server.SimpleHTTPRequestHandler):
    """The folder, and a page with and without the policy."""

    def do_GET(self) -> None:
        if self.path not in ("/plain", "/policy"):
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if self.path == "/policy":
            self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


def look(browser: Any, url: str, axe: str) -> Dict[str, Any]:
    """What axe-core says of the started widget, how often the policy was breached, how many
    requests went to other hosts."""
    tab = Visit(browser)
    tab.page.goto(url)
    tab.page.wait_for_timeout(4000)
    tab.page.evaluate(f"() => {{ {axe} }}")
    found = {
        **tab.page.evaluate(AXE),
        "breaches": sum("Content Security Policy" in error for error in tab.errors),
        "outside": len(tab.outside),
    }
    tab.close()
    return found


def main() -> None:
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "node_modules").is_dir():
        sys.exit(__doc__)
    folder = Path(sys.argv[1]).resolve()
    axe = (WIDGET / "node_modules/axe-core/axe.min.js").read_text("utf-8")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Pages, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    with sync_playwright() as playwright:
        browser = start(playwright)
        for package in STARTS:
            version = json.loads(
                (folder / "node_modules" / package / "package.json").read_text("utf-8")
            )["version"]
            at_once, everything = bundle(folder, package)
            plain, policy = look(browser, url + "/plain", axe), look(browser, url + "/policy", axe)
            print(
                f"{package} {version}: {at_once / 1000:.0f} KB gzip at once,"
                f" {everything / 1000:.0f} KB in all; plain page: {plain}; under the policy:"
                f" {policy}"
            )
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
