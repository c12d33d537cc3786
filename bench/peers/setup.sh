#!/usr/bin/env bash
# One virtual environment a peer, under .bench-venvs/ beside pyproject.toml. Needs Python 3.11 (PYTHON=...), and Java 17 for Tumult:
#   apt-get install -y openjdk-17-jre-headless
# bench/peers/setup.sh [aim] [pipelinedp] [smartnoise] [tumult]; without names, all four (about 4 GB).
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3.11}

packages() {
  case $1 in
    aim) echo "opendp[mbi,polars]==0.16.0 mbi==1.1.0 jax==0.10.2 jaxlib==0.10.2 polars==1.36.1 numpy==2.4.6 pandas==3.1.1" ;;
    pipelinedp) echo "pipeline-dp==0.3.1 python-dp==1.1.5 numpy==2.4.6" ;;
    smartnoise) echo "smartnoise-sql==1.0.10" ;;
    tumult) echo "tmlt-analytics==0.21.0 tmlt-core==0.19.1 pyspark==3.5.9 numpy==1.26.4 pandas==1.5.3" ;;
    *) echo "$1: no such peer (aim, pipelinedp, smartnoise, tumult)" >&2; exit 2 ;;
  esac
}

[ $# -gt 0 ] || set -- aim pipelinedp smartnoise tumult
for name in "$@"; do
  wanted=$(packages "$name")
  "$python" -m venv --clear ".bench-venvs/$name"
  # shellcheck disable=SC2086
  ".bench-venvs/$name/bin/python" -m pip install --quiet --disable-pip-version-check --no-input $wanted
  echo ".bench-venvs/$name: $wanted"
done
