#!/usr/bin/env python3
"""The licences of all crates that are in the binary, with their texts.

    cargo metadata … --filter-platform TARGET | packaging/licences.py
"""

import json
import pathlib
import sys

NAMES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")

metadata = json.load(sys.stdin)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}

# What is linked: neither tests' dependencies nor those of build scripts.
linked, waiting = set(), [metadata["resolve"]["root"]]
while waiting:
    package = waiting.pop()
    if package in linked:
        continue
    linked.add(package)
    for dependency in nodes[package]["deps"]:
        if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
            waiting.append(dependency["pkg"])
linked.remove(metadata["resolve"]["root"])

texts = {}
print("The crates in hwgap's binary, and their licences.\n")
for package in sorted((packages[id] for id in linked), key=lambda p: (p["name"], p["version"])):
    print(f"{package['name']} {package['version']}: {package['license'] or 'see its text'}")
    folder = pathlib.Path(package["manifest_path"]).parent
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.name.upper().startswith(NAMES):
            text = file.read_text(errors="replace").strip()
            texts.setdefault(text, []).append(f"{package['name']} ({file.name})")
for text, users in sorted(texts.items(), key=lambda pair: pair[1]):
    print("\n" + "-" * 79 + f"\nOf {', '.join(users)}:\n\n{text}")
