#!/bin/sh
# The main job on a real draft: polish it, ask a person, send it once. Needs no keys and no network.
# Every line is a command that works by hand; INTERLOCK_HOME says where state and the outbox are.
set -eu
cd "$(dirname "$0")/.."
: "${INTERLOCK_HOME:=$PWD/.demo}"
export INTERLOCK_HOME
draft=examples/drafts/late_delivery.txt

echo "The draft ($draft):"
sed 's/^/  | /' "$draft"
echo

status=0
interlock run graphs/polish_and_send.yaml \
  -i request="Polish my email and send it." -i draft=@"$draft" -i to=customer@example.org || status=$?
[ "$status" -eq 3 ] || exit "$status"

if [ "${DEMO_APPROVE:-}" = 1 ]; then
  id=$(interlock review list --json | sed -n 's/.*"id": "\(ap-[0-9a-f]*\)".*/\1/p')
  interlock review show "$id"
  interlock review approve "$id" --as reviewer --comment "reads well"
elif [ -t 0 ]; then
  interlock review ask --as reviewer
else
  echo "No terminal to ask at. Approve without one: DEMO_APPROVE=1 make demo"
  exit 3
fi

echo
for message in "$INTERLOCK_HOME"/outbox/new/*; do
  echo "Delivered: $message"
  sed 's/^/  | /' "$message"
done
