#compdef {{ words | join(" ") }}
# Completes the programs of seq2seq_tf {{ version }} in zsh. Printed by: seq2seq-config completion zsh

_seq2seq_tf() {
    local program=${words[1]:t}
    local -a commands=()
    case $program in
{% for program, of in programs.items() if "" not in of %}
        {{ program }}) commands=(
{% for command, entry in of.items() %}
            {{ quoted(command ~ ":" ~ escaped(entry.help, ":")) }}
{% endfor %}
        ) ;;
{% endfor %}
    esac
    if (( $#commands )); then
        if (( CURRENT == 2 )); then
            _describe command commands
            return
        fi
        program="$program $words[2]"
        shift words
        (( CURRENT-- ))
    fi
    case $program in
{% for program, commands in words.items() %}
{% for command, found in commands.items() %}
        {{ quoted((program ~ " " ~ command).strip()) }}) _arguments
{%- for word in found %}
 \
            {% set flag = "--" ~ word.name ~ "=" * word.takes_value ~ "[" ~ escaped(word.help, "[]:") ~ "]" %}
            {% set values = "_files" if word.is_path else "(" ~ word.choices | join(" ") ~ ")" if word.choices else " " %}
            {{ quoted("*" * word.repeats ~ (flag if word.name else "1") ~ (":value:" ~ values) * word.takes_value) }}
{%- endfor %}
 ;;
{% endfor %}
{% endfor %}
    esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _seq2seq_tf "$@"
else
    compdef _seq2seq_tf {{ words | join(" ") }}
fi
