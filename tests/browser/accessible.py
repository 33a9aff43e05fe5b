"""Asks axe-core, an accessibility checker, of pages: each violation is printed.

    accessible.py AXE.JS PAGE...

The pages forbid scripts, so a copy without that rule is looked at.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

axe, *pages = sys.argv[1:]
axe = pathlib.Path(axe).read_text().replace("</script", "<\\/script")
ask = """
axe.run().then(found => {
  const told = found.violations.map(one => [one.id, one.nodes.length, one.nodes[0].html]);
  document.body.textContent = "<<" + JSON.stringify(told) + ">>";
})
"""
failed = False
for page in pages:
    text = pathlib.Path(page).read_text()
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    text = text.replace("</body>", f"<script>{axe}</script><script>{ask}</script></body>")
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder, "page.html")
        copy.write_text(text)
        command = [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", f"--user-data-dir={folder}/profile",
            "--virtual-time-budget=30000", "--dump-dom", f"file://{copy}",
        ]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    answer = re.search(r"&lt;&lt;(\[.*\])&gt;&gt;", shown, re.S)
    violations = json.loads(answer[1].replace("&quot;", '"')) if answer else [["no answer"]]
    print(f"{page}: {len(violations)} violations")
    for violation in violations:
        print("  ", *violation)
    failed |= bool(violations)
sys.exit(failed)
