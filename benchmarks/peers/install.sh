# Sourced by peers.sh: one function per peer that makes its environment, in the folder of the peers.
# Versions are pinned: these were seen to work together. Packages come from wherever pip is set up to look.

PYTHON=${PYTHON:-python3.11}        # JoeyNMT, OpenNMT-py and Marian
PYTHON310=${PYTHON310:-python3.10}  # OpenNMT-tf: tensorflow-text 2.13.0 has no wheel for a later Python

make_environment() { # NAME INTERPRETER: leaves it activated
  command -v "$2" >/dev/null || die "$2: no such program; name a Python of that version with PYTHON= or PYTHON310="
  [ -d "venvs/$1" ] || "$2" -m venv "venvs/$1" || die "$2 -m venv failed (on Debian: install its -venv package)"
  # shellcheck disable=SC1090
  . "venvs/$1/bin/activate"
}

install_joey() {
  make_environment joey "$PYTHON"
  pip install -q torch==2.13.0
  pip install -q --no-deps joeynmt==2.3.0
  pip install -q numpy pyyaml sentencepiece subword-nmt sacrebleu sacremoses packaging tensorboard matplotlib pandas \
    datasets 'setuptools<81' six wrapt importlib_metadata
  # It passes verbose= to ReduceLROnPlateau, which later versions of torch no longer take.
  sed -i '/"verbose": False,/d' venvs/joey/lib/python3*/site-packages/joeynmt/builders.py
  python -c 'import joeynmt'
}

install_onmtpy() {
  make_environment onmtpy "$PYTHON"
  pip install -q torch==2.13.0
  pip install -q --no-deps OpenNMT-py==3.5.1
  pip install -q numpy pyyaml sentencepiece sacrebleu six configargparse ctranslate2 tensorboard flask waitress \
    pyonmttok rapidfuzz pyahocorasick fasttext-wheel spacy 'setuptools<81'
  python -c 'import onmt'
}

install_onmttf() {
  make_environment onmttf "$PYTHON310"
  # tensorflow-text asks for the package "tensorflow", which tensorflow-cpu is not: then without its dependencies.
  pip install -q --only-binary :all: tensorflow-cpu==2.13.1 tensorflow-text==2.13.0 || {
    pip install -q tensorflow-cpu==2.13.1
    pip install -q --no-deps tensorflow-text==2.13.0 tensorflow-hub
  }
  pip install -q --no-deps OpenNMT-tf==2.32.0 tensorflow-addons==0.21.0 typeguard==2.13.3
  pip install -q 'ctranslate2<4' 'pyonmttok<2,>=1.29.0' 'pyyaml<7' 'rouge<2' 'sacrebleu<3' packaging 'setuptools<81'
  python -c 'import opennmt'
}

install_marian() {
  make_environment pymarian "$PYTHON"
  pip install -q pymarian==1.12.42 # 604 MB
  python -c 'import pymarian'
}
