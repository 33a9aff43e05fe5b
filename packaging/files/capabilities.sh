#!/bin/sh
# Gives /usr/bin/hwgap the capabilities that /etc/hwgap/capabilities names, in
# setcap's words; without that file none, as the package comes. The package's
# scripts run this, as the files of a new version come without.
set -e
file=/etc/hwgap/capabilities
[ -e "$file" ] || exit 0
command -v setcap >/dev/null || {
    echo "hwgap: $file needs setcap (Debian: libcap2-bin, Fedora: libcap)" >&2
    exit 0
}
wanted=$(grep -v -e '^#' -e '^[[:space:]]*$' "$file" || true)
if [ -z "$wanted" ]; then
    [ -z "$(getcap /usr/bin/hwgap)" ] || setcap -r /usr/bin/hwgap
elif ! setcap "$wanted" /usr/bin/hwgap; then
    echo "hwgap: $file: '$wanted' was not taken; write it as for setcap" >&2
fi
