"""What lets a shell complete the commands and their options: a script that knows them, and starts no Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Command → its options and their help; the empty command is the program itself.
Words = Mapping[str, Mapping[str, str]]


def script(shell: str, words: Words, about: Mapping[str, str]) -> str:
    """The script that ``shell`` (bash, zsh, fish or powershell) reads at its start; ``about`` says what commands do."""
    if shell == "fish":
        return _fish(words, about)
    return _powershell(words) if shell == "powershell" else _bash(words, zsh=shell == "zsh")


def _first(words: Words) -> list[str]:
    """What may come first: the commands, and the program's own options."""
    return [*(command for command in words if command), *words[""]]


def _bash(words: Words, *, zsh: bool) -> str:
    cases = [f'        {command}) mots="{" ".join(options)}" ;;' for command, options in words.items() if command]
    head = ["autoload -U +X compinit && compinit", "autoload -U +X bashcompinit && bashcompinit"] if zsh else []
    return _lines([
        *head,
        "_tabellion() {",
        '    local mot="${COMP_WORDS[COMP_CWORD]}" mots=""',
        '    if [ "$COMP_CWORD" -eq 1 ]; then',
        f'        mots="{" ".join(_first(words))}"',
        '    else case "${COMP_WORDS[1]}" in',
        *cases,
        "    esac; fi",
        '    COMPREPLY=($(compgen -W "$mots" -- "$mot"))',
        "}",
        "complete -o default -F _tabellion tabellion",
    ])  # fmt: skip


def _fish(words: Words, about: Mapping[str, str]) -> str:
    lines = [
        f"complete -c tabellion -n __fish_use_subcommand -a {command} -d {_quoted(about[command])}"
        for command in words
        if command
    ]
    for command, options in words.items():
        when = f"'__fish_seen_subcommand_from {command}'" if command else "__fish_use_subcommand"
        for option, help_text in options.items():
            if option.startswith("--"):
                lines.append(f"complete -c tabellion -n {when} -l {option[2:]} -d {_quoted(help_text)}")
    return _lines(lines)


def _powershell(words: Words) -> str:
    rows = [f"        '{command}' = @({_listed([*options])})" for command, options in words.items() if command]
    return _lines([
        "Register-ArgumentCompleter -Native -CommandName tabellion -ScriptBlock {",
        "    param($mot, $ligne, $place)",
        "    $mots = @{",
        *rows,
        "    }",
        "    $commande = \"$($ligne.CommandElements | Select-Object -Skip 1 -First 1)\"",
        "    if ($mots.ContainsKey($commande) -and $mot -ne $commande) { $choix = $mots[$commande] }",
        f"    else {{ $choix = @({_listed(_first(words))}) }}",
        "    $choix | Where-Object { $_ -like \"$mot*\" } | ForEach-Object {",
        "        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)",
        "    }",
        "}",
    ])  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _quoted(text: str) -> str:
    """A text between single quotes, as fish reads it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
