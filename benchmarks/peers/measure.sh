# Sourced by peers.sh: one measurement, or one training, each.

LOG_EVERY=10 # updates between the lines of a peer's log

time_our_training() { # ROUND PRECISION
  local out=$FOLDER/results/train/$1.ours_$2.json log=$FOLDER/logs/train_ours_$2.log
  ours "$HERE/train_speed.py" --config="$CONFIG" --data="$DATA" --precision="$2" --warmup="$WARMUP" \
    --updates="$UPDATES" --json="$out" >"$log" 2>&1 || failed "$log"
}

training_command() { # PEER: prints one word a line
  case $1 in
  joey) printf '%s\n' python -m joeynmt train configs/joey.yaml --skip-test ;;
  onmtpy) printf '%s\n' onmt_train -config configs/onmtpy.yaml ;;
  marian) printf '%s\n' pymarian train -c configs/marian.yml ;;
  onmttf) printf '%s\n' onmt-main --model configs/onmttf_model.py --config configs/onmttf.yml --auto_config \
    --intra_op_parallelism_threads "$THREADS" --inter_op_parallelism_threads "$THREADS" train ;;
  esac
}

run_training() { # PEER LOG PEAK.json: from scratch
  local command
  mapfile -t command < <(training_command "$1")
  rm -rf "${FOLDER:?}/runs/$1"
  mkdir -p "$FOLDER/runs/$1"
  in_peer "$1" python "$SCRIPTS/peak.py" "$3" timeout -k 20 $LIMIT "${command[@]}" >"$2" 2>&1 || failed "$2"
}

time_peer_training() { # PEER ROUND
  local log=$FOLDER/logs/train_$1.log peak=$FOLDER/logs/train_$1.peak.json
  fill_configs $((WARMUP + UPDATES)) $LOG_EVERY
  run_training "$1" "$log" "$peak"
  in_peer "$1" python "$SCRIPTS/training_log.py" "$1" "$log" "$peak" "$WARMUP" $LOG_EVERY \
    "$FOLDER/results/train/$2.$1.json" || exit 2
}

train_ours() {
  local run=$FOLDER/runs/ours log=$FOLDER/logs/ours_long.log code=0
  [ ! -f "$run.done" ] || return 0
  echo "training ours for up to $MINUTES minutes ..."
  # The exit code tells nothing: interrupted by the clock is as good as finished, as long as there are weights.
  (cd "$ROOT" && PYTHONPATH=$ROOT exec timeout -k 120 "${MINUTES}m" "$OURS" -m seq2seq_tf.cli.train \
    --config="$CONFIG" --model_dir="$run" --train.{batch_tokens=1000,pool_pairs=3000,max_epochs=8} \
    --data.{train_source="$DATA/train.de",train_target="$DATA/train.en"} \
    --data.{valid_source="$DATA/valid.de",valid_target="$DATA/valid.en"} \
    --data.{test_source="$DATA/test_2016_flickr.de",test_target="$DATA/test_2016_flickr.en"}) >"$log" 2>&1 || code=$?
  compgen -G "$run/checkpoints/step_*.npz" >/dev/null || failed "$log"
  touch "$run.done"
}

train_onmttf_long() {
  local run=$FOLDER/runs/onmttf_long shared=$FOLDER/runs/shared log=$FOLDER/logs/onmttf_long.log prefix=$FROM
  [ ! -f "$shared/arrays.npz" ] || return 0
  if [ -z "$prefix" ]; then
    fill_configs 100000 20
    echo "training OpenNMT-tf for $MINUTES minutes ..."
    in_peer onmttf timeout -k 60 "${MINUTES}m" onmt-main --model configs/onmttf_model.py \
      --config configs/onmttf.yml configs/onmttf_long.yml --auto_config --intra_op_parallelism_threads "$THREADS" \
      --inter_op_parallelism_threads "$THREADS" train >"$log" 2>&1 || true # interrupted by the clock
    [ -f "$run/checkpoint" ] || failed "$log"
    prefix=$run/$(sed -n 's/^model_checkpoint_path: "\(.*\)"/\1/p' "$run/checkpoint")
  fi
  [ -f "$prefix.index" ] || die "$prefix.index: no such checkpoint of OpenNMT-tf"
  rm -rf "$shared" && mkdir -p "$shared/onmttf"
  cp "$prefix".* "$shared/onmttf/"
  printf 'model_checkpoint_path: "%s"\n' "$(basename "$prefix")" >"$shared/onmttf/checkpoint"
  in_peer onmttf python "$SCRIPTS/dump_onmttf.py" "$prefix" "$shared/arrays.new.npz" >"$log.dump" 2>&1 ||
    failed "$log.dump"
  mv "$shared/arrays.new.npz" "$shared/arrays.npz"
}

convert_for() { # joey | onmtpy
  local shared=$FOLDER/runs/shared log=$FOLDER/logs/convert_$1.log template=$FOLDER/runs/$1.template
  local saved=2.ckpt # by JoeyNMT
  [ "$1" != onmtpy ] || saved=model_step_2.pt
  [ ! -f "$shared/$1" ] || return 0
  if [ ! -f "$template" ]; then # any checkpoint will do: everything but the weights is taken from it
    echo "training $1 for two updates ..."
    fill_configs 2 1
    run_training "$1" "$log" "$log.peak"
    cp "$FOLDER/runs/$1/$saved" "$template" || failed "$log"
  fi
  in_peer "$1" python "$SCRIPTS/convert_onmttf.py" "$1" "$shared/arrays.npz" "$template" "$shared/$1.new" \
    >"$log" 2>&1 || failed "$log"
  mv "$shared/$1.new" "$shared/$1"
}

train_marian_long() {
  local log=$FOLDER/logs/marian_long.log saved=$FOLDER/runs/shared/marian
  [ ! -f "$saved/model.npz" ] || return 0
  fill_configs 1000000 20
  rm -rf "$FOLDER/runs/marian" && mkdir -p "$FOLDER/runs/marian"
  echo "training Marian for $MINUTES minutes ..."
  in_peer marian timeout -k 60 "${MINUTES}m" pymarian train -c configs/marian.yml >"$log" 2>&1 || true # the clock
  [ -f "$FOLDER/runs/marian/model.npz" ] || failed "$log"
  mkdir -p "$saved"
  mv "$FOLDER"/runs/marian/model.npz* "$saved/"
}

decoding_model() { # PEER
  case $1 in
  marian) echo "$FOLDER/runs/shared/marian/model.npz" ;;
  *) echo "$FOLDER/runs/shared/$1" ;;
  esac
}

time_our_decoding() { # ROUND PRECISION [exact | approximate]
  local name=ours_$2_${3:-exact} search=()
  local out=$FOLDER/results/decode/$1.$name.json log=$FOLDER/logs/decode_$name.log
  [ "${3:-exact}" = exact ] || search=(--shortlist=20 --early_stop)
  ours "$HERE/decode_speed.py" --model_dir="$RUN" --source="$FOLDER/data/test.source" --precision="$2" \
    --beams="$BEAMS" --batch_tokens="$BATCH_TOKENS" --single="$SINGLE" --repeats=1 "${search[@]}" \
    --json="$out" >"$log" 2>&1 || failed "$log"
}

time_peer_decoding() { # PEER ROUND
  local out=$FOLDER/results/decode/$2.$1.json log=$FOLDER/logs/decode_$1.log
  in_peer "$1" timeout -k 20 $LIMIT python "$SCRIPTS/decode_$1.py" "$(decoding_model "$1")" "$out" "$BEAMS" \
    "$BATCHES" "$SINGLE" "$THREADS" >"$log" 2>&1 || failed "$log"
}
