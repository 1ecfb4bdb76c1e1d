# Completes the programs of seq2seq_tf {{ version }} in fish. Printed by: seq2seq-config completion fish
{% for program, commands in words.items() %}
complete -c {{ program }} -f
{% for command, found in commands.items() %}
{% if command %}
complete -c {{ program }} -n __fish_use_subcommand -a {{ command }} -d {{ quoted(programs[program][command].help) }}
{% endif %}
{% for word in found %}
complete -c {{ program }}
{%- if command %} -n '__fish_seen_subcommand_from {{ command }}'{% endif %}
{%- if word.name %} -l {{ word.name }}{% endif %}
{%- if word.takes_value and word.name %} {{ "-r -F" if word.is_path else "-x" }}{% endif %}
{%- if word.choices %} -a {{ quoted(word.choices | join(" ")) }}{% endif %} -d {{ quoted(word.help) }}
{% endfor %}
{% endfor %}
{% endfor %}
