# Sourced by scripts/demo, scripts/test and scripts/bench: makes .fraud/venv from requirements.lock, once.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
export PYTHONPATH="$ROOT" PIP_DISABLE_PIP_VERSION_CHECK=1
VENV="$ROOT/.fraud/venv"

# The shortest of several times for a loop like ours, and the Python that took it; nothing for another version than asked for.
TIMED='
import json, os, sys, time
from typing import NamedTuple
class Row(NamedTuple):
    user: str
    cents: int
    seen: tuple
    def more(self, cents): return self._replace(cents=self.cents + cents, seen=(*self.seen[-7:], cents))
def once():
    began, row = time.perf_counter_ns(), Row("u", 0, ())
    for at in range(1500):
        row = row.more(at)
        json.dumps({"user": row.user, "cents": row.cents, "seen": [f"{one:x}" for one in row.seen]})
    return time.perf_counter_ns() - began
if sys.version_info[:2] == (int(sys.argv[1]), int(sys.argv[2])): print(min(once() for _ in range(12)), os.path.realpath(sys.executable))
'

# The Pythons that will do, best first. Of one version the quickest build: distributions compile theirs with profiles, pyenv does not, and
# that is a fifth of a worker's time (docs/performance.md).
find_pythons() {
  local candidate build version
  for candidate in "${FRAUD_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && version=$("$candidate" -c 'import sys; print(*sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))' 2>/dev/null); then
      if [ "$candidate" = "${FRAUD_PYTHON:-}" ]; then
        command -v "$candidate"
        return
      fi
      set -- "$candidate" "python${version/ /.}" "/usr/bin/python${version/ /.}"
      for build in "$@" "$@" "$@"; do  # in turn, since a machine's speed changes
        # shellcheck disable=SC2086
        "$build" -c "$TIMED" $version 2>/dev/null || true
      done | sort -n | cut -d ' ' -f 2- | awk '!seen[$0]++'
      return
    fi
  done
  echo "Python 3.11 or newer is needed, and none was found. FRAUD_PYTHON can name one." >&2
  return 1
}

# new_venv PYTHON DIRECTORY
new_venv() {
  rm -rf "$2"
  "$1" -m venv "$2" 2>>.fraud/venv.log && return
  rm -rf "$2"
  # Debian's python3 comes without ensurepip; pip's own way around it needs only pip somewhere.
  "$1" -m venv --without-pip "$2" 2>>.fraud/venv.log && "$1" -m pip --python "$2/bin/python" install -q pip >>.fraud/venv.log 2>&1
}

# make_environment DIRECTORY LOCK: a virtual environment with exactly what the lock file names, made once.
make_environment() {
  local venv=$1 lock=$2 python pythons want have
  want=$(cksum < "$lock")
  have=$(cat "$venv/complete" 2>/dev/null || true)
  [ "$want" = "$have" ] && "$venv/bin/python" -c '' 2>/dev/null && return
  pythons=$(find_pythons)
  mkdir -p .fraud
  : >.fraud/venv.log
  while IFS= read -r -u 3 python; do
    new_venv "$python" "$venv" && break
    rm -rf "$venv"
  done 3<<<"$pythons"
  if [ ! -d "$venv" ]; then
    cat .fraud/venv.log >&2
    echo "The environment could not be made. On Debian or Ubuntu: apt-get install python3-venv" >&2
    return 1
  fi
  echo "Setting up ${venv#"$ROOT"/} with $("$python" --version), $python (about 370 MB of packages, once) …"
  "$venv/bin/python" -m pip install --progress-bar "$([ -t 1 ] && echo on || echo off)" -q --require-hashes --no-deps -r "$lock"
  echo "$want" > "$venv/complete"
}

make_environment "$VENV" requirements.lock
PYTHON="$VENV/bin/python"
# Once, before several processes of a first start would each do it.
"$PYTHON" -c 'import ml.features'
