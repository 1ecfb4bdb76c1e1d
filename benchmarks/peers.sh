#!/usr/bin/env bash
# Speed in comparison with other toolkits on the same machine, in alternation: ours, theirs, ours, theirs.
#
#   benchmarks/peers.sh COMMAND FOLDER [--option=value ...]
#
#   setup       create the peers' environments and the data in FOLDER (if repeated: only what is missing)
#   train       time training and print the table
#   checkpoint  train the models for decoding: ours, and OpenNMT-tf's, converted for OpenNMT-py and JoeyNMT
#   decode      time translation and print the table
#   table       print the tables of the last train and decode again
#   all         setup, train, checkpoint, decode
#
#   --peers=onmttf,onmtpy  also joey, marian; decode times joey only if it was trained or set up with the others
#   --data=DIR             folder made by seq2seq-data fetch-multi30k [data/multi30k_de_en]
#   --pieces=FILE          setup: a SentencePiece model for the peers, instead of the one ours trains on the data
#   --rounds=2             number of measurements of each
#   --updates=80 --warmup=20    train: timed updates, and updates before them that are not timed
#   --precisions=float32,bfloat16    of ours; the peers compute in float32
#   --minutes=25           checkpoint: minutes of each training
#   --from=PREFIX          checkpoint: take this OpenNMT-tf checkpoint (path without .index) instead of training one
#   --ours=RUN             decode: our run folder [FOLDER/runs/ours, which checkpoint trains]
#   --beams=5,1 --batches=32,64,128 --single=50    decode: beams, sentences per batch, sentences one by one
#   --batch_tokens=512,1024,2048    decode: our batch sizes, in source pieces with padding
#
# Needs Linux, python3.10 and python3.11 (PYTHON310=, PYTHON=), our own environment (.venv of `make install`, or
# OURS=its python) and about 6 GB in FOLDER. THREADS= defaults to the number of cores. Run it on an otherwise idle machine.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$HERE")
CONFIG=$ROOT/configs/peer_shape_de_en.yaml
SCRIPTS=$HERE/peers
START=$PWD
export THREADS=${THREADS:-$(nproc)}
export TF_ENABLE_ONEDNN_OPTS=${TF_ENABLE_ONEDNN_OPTS:-1} # as our programs set it; every TensorFlow peer gets the same
LIMIT=900 # seconds for one measurement of a peer, should it hang

die() {
  echo "error: $*" >&2
  exit 2
}

absolute() { case $1 in /* | '') echo "$1" ;; *) echo "$START/$1" ;; esac; }

usage() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }

read_options() {
  PEERS=onmttf,onmtpy DATA=$ROOT/data/multi30k_de_en PIECES='' ROUNDS=2 UPDATES=80 WARMUP=20 MINUTES=25 FROM='' RUN=''
  PRECISIONS=float32,bfloat16 BEAMS=5,1 BATCHES=32,64,128 SINGLE=50 BATCH_TOKENS=512,1024,2048
  local option name value
  for option in "$@"; do
    name=${option%%=*} value=${option#*=}
    [[ $option == --*=* && -n $value ]] || die "unexpected argument $option; options are written --name=value"
    case $name in
    --peers) PEERS=$value ;;
    --data) DATA=$(absolute "$value") ;;
    --pieces) PIECES=$(absolute "$value") ;;
    --rounds) ROUNDS=$value ;;
    --updates) UPDATES=$value ;;
    --warmup) WARMUP=$value ;;
    --precisions) PRECISIONS=$value ;;
    --minutes) MINUTES=$value ;;
    --from) FROM=$(absolute "$value") ;;
    --ours) RUN=$(absolute "$value") ;;
    --beams) BEAMS=$value ;;
    --batches) BATCHES=$value ;;
    --single) SINGLE=$value ;;
    --batch_tokens) BATCH_TOKENS=$value ;;
    *) die "unknown option $name (see the head of benchmarks/peers.sh)" ;;
    esac
  done
  for value in "$ROUNDS" "$UPDATES" "$WARMUP" "$MINUTES" "$SINGLE"; do
    [[ $value =~ ^[0-9]+$ ]] || die "$value: expected a whole number"
  done
  PEERS=${PEERS//,/ }
  for value in $PEERS; do
    [[ $value =~ ^(onmttf|onmtpy|joey|marian)$ ]] || die "--peers: $value: expected onmttf, onmtpy, joey or marian"
  done
}

# Independent of the peer -----------------------------------------------------------------------------------

ours() { # in our environment, from the checkout
  (cd "$ROOT" && PYTHONPATH=$ROOT "$OURS" "$@")
}

find_ours() {
  if [ -z "${OURS:-}" ]; then
    OURS=python3
    [ ! -x "$ROOT/.venv/bin/python" ] || OURS=$ROOT/.venv/bin/python
  fi
  ours -c 'import absl, sentencepiece, sacrebleu, numpy' 2>/dev/null ||
    die "$OURS: our own packages are not installed there; run make install, or name the right Python with OURS="
}

in_peer() { # PEER COMMAND...: in the peer's environment, in FOLDER, with all cores
  local peer=$1 threads=$THREADS
  shift
  local environment=$peer
  [ "$peer" != marian ] || { environment=pymarian threads=1; } # Marian has its own workers
  (
    cd "$FOLDER"
    # shellcheck disable=SC1090
    . "venvs/$environment/bin/activate"
    export OMP_NUM_THREADS=$threads MKL_NUM_THREADS=$threads CUDA_VISIBLE_DEVICES= TF_CPP_MIN_LOG_LEVEL=2
    export TF_NUM_INTRAOP_THREADS=$threads TF_NUM_INTEROP_THREADS=$threads TOKENIZERS_PARALLELISM=false
    unset PYTHONPATH
    "$@"
  )
}

fill_configs() { # UPDATES LOG_EVERY
  mkdir -p "$FOLDER/configs" "$FOLDER/logs" "$FOLDER/runs" "$FOLDER/results"
  local file
  for file in "$SCRIPTS"/configs/*; do
    sed "s/@UPDATES@/$1/; s/@LOG_EVERY@/$2/; s/@THREADS@/$THREADS/; s/@SAVE_EVERY@/${SAVE_EVERY:-100}/" "$file" \
      >"$FOLDER/configs/$(basename "$file")"
  done
}

need_setup() {
  [ -f "$FOLDER/data/pieces.model" ] || die "$FOLDER/data/pieces.model: no such file; run benchmarks/peers.sh setup $FOLDER"
  local peer name
  for peer in "$@"; do
    name=${peer/#marian/pymarian}
    [ -f "$FOLDER/venvs/$name/bin/activate" ] ||
      die "$FOLDER/venvs/$name: no such environment; run benchmarks/peers.sh setup $FOLDER --peers=$peer"
  done
}

failed() { # LOG
  tail -n 5 "$1" >&2
  die "$1: failed; its last lines are above"
}

# Commands -----------------------------------------------------------------------------------------------------------

# shellcheck disable=SC1091
. "$SCRIPTS/install.sh"
# shellcheck disable=SC1091
. "$SCRIPTS/measure.sh"

setup() {
  mkdir -p "$FOLDER/venvs" "$FOLDER/data" "$FOLDER/logs"
  local peer name
  for peer in $PEERS; do
    name=${peer/#marian/pymarian}
    [ ! -f "$FOLDER/venvs/$name.installed" ] || continue
    echo "installing $peer ..."
    # Not in a condition: there bash would not stop at the first command that fails.
    set +e
    (
      set -e
      cd "$FOLDER"
      "install_$peer" >"logs/install_$peer.log" 2>&1
    )
    local code=$?
    set -e
    [ $code = 0 ] || failed "$FOLDER/logs/install_$peer.log"
    touch "$FOLDER/venvs/$name.installed"
  done
  if [ ! -f "$FOLDER/data/pieces.model" ]; then
    ours "$SCRIPTS/prepare_pieces.py" "$CONFIG" "$DATA" "$FOLDER/data" ${PIECES:+"$PIECES"}
  fi
  echo "set up in $FOLDER: $PEERS"
}

train() {
  need_setup $PEERS
  ((WARMUP % LOG_EVERY == 0 && UPDATES % LOG_EVERY == 0 && UPDATES > 0)) ||
    die "--warmup and --updates: expected multiples of $LOG_EVERY, the interval at which the peers report"
  rm -rf "$FOLDER/results/train"
  mkdir -p "$FOLDER/results/train"
  local round precision peer
  for ((round = 1; round <= ROUNDS; round++)); do
    for precision in ${PRECISIONS//,/ }; do
      echo "round $round: ours, $precision"
      time_our_training "$round" "$precision"
    done
    for peer in $PEERS; do
      echo "round $round: $peer"
      time_peer_training "$peer" "$round"
    done
  done
  print_table train
}

checkpoint() {
  need_setup onmttf $PEERS
  train_ours
  train_onmttf_long
  local peer
  for peer in $PEERS; do
    case $peer in
    joey | onmtpy) convert_for "$peer" ;;
    marian) train_marian_long ;;
    esac
  done
  echo "ready to decode"
}

decode() {
  need_setup $PEERS
  RUN=${RUN:-$FOLDER/runs/ours}
  local round precision peer
  [ -f "$RUN/config.yaml" ] || die "$RUN: not a run folder; run benchmarks/peers.sh checkpoint $FOLDER, or name one with --ours="
  for peer in $PEERS; do
    [ -e "$(decoding_model "$peer")" ] ||
      die "$(decoding_model "$peer"): no such checkpoint; run benchmarks/peers.sh checkpoint $FOLDER --peers=$peer"
  done
  rm -rf "$FOLDER/results/decode"
  mkdir -p "$FOLDER/results/decode"
  fill_configs 100 10
  for ((round = 1; round <= ROUNDS; round++)); do
    for precision in ${PRECISIONS//,/ }; do
      echo "round $round: ours, $precision"
      time_our_decoding "$round" "$precision"
    done
    echo "round $round: ours, $precision, approximate"
    time_our_decoding "$round" "$precision" approximate
    for peer in $PEERS; do
      echo "round $round: $peer"
      time_peer_decoding "$peer" "$round"
    done
  done
  print_table decode
}

print_table() { # train | decode
  ours "$SCRIPTS/table.py" "$1" "$FOLDER"
}

[ $# -ge 1 ] || { usage && exit 2; }
[[ $1 != -h && $1 != --help ]] || { usage && exit 0; }
[ $# -ge 2 ] || die "expected two arguments: COMMAND FOLDER (see --help)"
COMMAND=$1 FOLDER=$(absolute "$2")
shift 2
read_options "$@"
find_ours
case $COMMAND in
setup | train | checkpoint | decode) "$COMMAND" ;;
table)
  for kind in train decode; do
    [ ! -d "$FOLDER/results/$kind" ] || print_table "$kind"
  done
  ;;
all) setup && train && checkpoint && decode ;;
*) die "unknown command $COMMAND: setup, train, checkpoint, decode, table or all" ;;
esac
