# Completes the programs of seq2seq_tf {{ version }} in bash. Printed by: seq2seq-config completion bash

# Prints the words that may follow a program, or a program and its command. FLAG= takes a value: one of A|B, or any file
# if it is @. "=A|B" is a value without a flag.
_seq2seq_tf_words() {
    case $1 in
{% for program, commands in words.items() %}
{% if "" not in commands %}
        {{ program }}) echo "{{ commands | join(" ") }} --help --version" ;;
{% endif %}
{% for command, found in commands.items() %}
        "{{ (program ~ " " ~ command).strip() }}") echo "
{%- for word in found %}
{{- " " if not loop.first }}{{ "--" if word.name }}{{ word.name }}{{ "=" if word.takes_value }}
{{- "@" if word.is_path }}{{ word.choices | join("|") }}
{%- endfor %}" ;;
{% endfor %}
{% endfor %}
    esac
}

_seq2seq_tf() {
    local program=${COMP_WORDS[0]##*/} cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local flag="" joined="" words word values="" offered="" line
    COMPREPLY=()
    case $program in
        {{ with_commands | join("|") }})
            (( COMP_CWORD > 1 )) && program="$program ${COMP_WORDS[1]}" ;;
    esac
    words=$(_seq2seq_tf_words "$program")
    # bash makes each equals sign a word of its own, unless COMP_WORDBREAKS was changed
    if [[ $cur == "=" ]]; then
        flag=$before cur=""
    elif [[ $before == "=" ]]; then
        flag=${COMP_WORDS[COMP_CWORD-2]}
    elif [[ $cur == --*=* ]]; then
        flag=${cur%%=*} joined=$flag= cur=${cur#*=}
    elif [[ $before == --* && $cur != -* && " $words " == *" $before="* ]]; then
        flag=$before
    fi
    for word in $words; do
        if [[ $flag ]]; then
            [[ ${word%%=*} == "$flag" ]] && values=${word#*=}
        elif [[ $word == =* ]]; then
            offered+=" ${word#=}"
        elif [[ $word == *=* ]]; then
            offered+=" ${word%%=*}="
        else
            offered+=" $word"
        fi
    done
    if [[ $values == "@" ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$joined$line"); done < <(compgen -f -- "$cur")
    else
        [[ $flag ]] && offered=$values
        while IFS= read -r line; do COMPREPLY+=("$joined$line"); done < <(compgen -W "${offered//|/ }" -- "$cur")
        [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    fi
    return 0
}

complete -F _seq2seq_tf {{ words | join(" ") }}
