#!/usr/bin/env bash
# Order pictures with curl and bring them: order.sh USER CHARACTER QUANTITY PROMPT
#
# The key belongs to this one order. If the answer is lost, sending the same again gives the same
# batch; curl --retry does so by itself.
#
# SAFELIGHT_URL says where the server is; SAFELIGHT_KEY has the API key, if there are any. curl reads
# it from a file: what stands in a command line can be read by everybody on the machine.
set -euo pipefail
url=${SAFELIGHT_URL:-http://127.0.0.1:8080}
python=${PYTHON:-python3}
ask() {
  curl -fsS -H @<(printf '%s' "${SAFELIGHT_KEY:+Authorization: Bearer $SAFELIGHT_KEY}") "$@"
}
key=$("$python" -c 'import uuid; print(uuid.uuid4())')

body=$("$python" -c '
import json, sys
user, character, quantity, prompt = sys.argv[1:]
print(json.dumps(dict(user=user, character=character, quantity=int(quantity), prompt=prompt)))
' "$1" "$2" "$3" "$4")

batch=$(ask --retry 5 --retry-all-errors "$url/v1/batches" \
  -H 'Content-Type: application/json' \
  -H "Idempotency-Key: $key" \
  -H 'Prefer: wait=600' \
  -d "$body")

"$python" -c '
import json, sys
batch = json.load(sys.stdin)
print("batch", batch["id"], batch["status"], file=sys.stderr)
for image in batch["images"]:
    if image["status"] == "stored":
        print(image["url"], image["name"])
sys.exit(batch["status"] != "completed")
' <<<"$batch" | while read -r link name; do
  ask "$link" -o "$name"
  echo "$name"
done
