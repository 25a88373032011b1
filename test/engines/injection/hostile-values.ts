/** What somebody would write into an input to have it obeyed by a shell, the runner, a program's options, GitHub's Markdown. */
export interface HostileValues {
  /** Without white space and without a dash in front: passes for a word, a path, the end of an address. */
  readonly word: string;
  /** Lines that each are something else. */
  readonly lines: string;
  /** One line. */
  readonly line: string;
  /** What a program would take for one of its options. */
  readonly flag: string;
}

/** `canary`: path of a file that is there once any of it was obeyed by a shell. */
export function hostileValues(canary: string): HostileValues {
  // Obeyed as it is, between quotes, and between apostrophes; what follows is then a comment or between them too.
  const shell = `$(>${canary})\`>${canary}\`';>${canary};'";>${canary};";#`;
  const markdown = "<img/src=x><b>@octocat</b>[x](https://evil.example/)#12|**b**";
  const tricks = "é\u202e\u{1f600}%0A::set-output::x";
  return {
    word: `x${shell}${markdown}##[set-output]${tricks}--hostile`,
    lines: [
      "x",
      "::set-output name=outcome::succeeded",
      "::error::hostile",
      "##[set-output name=outcome]succeeded",
      "  ::add-mask::hostile\r::stop-commands::hostile",
      "outcome=succeeded",
      "--hostile",
      shell,
      `# ${markdown}`,
      "````",
      markdown,
      "</summary></details>",
      "| broken | broken |",
      "| --- | --- |",
      "| broken | broken |",
      "www.evil.example https://evil.example/",
    ].join("\n"),
    line: `x ${shell} ${markdown} </details> | broken | ##[set-output name=outcome]x \u001b[31m\u009b31m\u2028\u061c\u2066 ${tricks} \${HOME} \${{ github.token }} --hostile`,
    flag: `--hostile=${shell}`,
  };
}
