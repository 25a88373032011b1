/** Looks like a GitHub comment, in the theme that the reader's system prefers. Written for this page. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --fg:#1f2328; --muted:#59636e; --bg:#ffffff; --soft:#f6f8fa; --line:#d1d9e0; --link:#0969da;
  --note:#0969da; --tip:#1a7f37; --important:#8250df; --warning:#9a6700; --caution:#cf222e; --code:#818b981f; }
:root[data-theme=dark] { --fg:#f0f6fc; --muted:#9198a1; --bg:#0d1117; --soft:#151b23; --line:#3d444d; --link:#4493f8;
  --note:#4493f8; --tip:#3fb950; --important:#ab7df8; --warning:#d29922; --caution:#f85149; --code:#656c7633; color-scheme: dark; }
:root[data-theme=light] { color-scheme: light; }
* { box-sizing: border-box; }
body { margin:0; padding:24px; background:var(--bg); color:var(--fg);
  font:14px/1.5 -apple-system,BlinkMacSystemFont,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif,"Apple Color Emoji","Noto Color Emoji"; }
.comment { max-width:900px; margin:0 auto; border:1px solid var(--line); border-radius:6px; }
.comment > header { padding:8px 16px; background:var(--soft); border-bottom:1px solid var(--line); border-radius:6px 6px 0 0; color:var(--muted); }
.comment > header b { color:var(--fg); } .bot { border:1px solid var(--line); border-radius:1em; padding:0 6px; font-size:12px; margin-left:4px; }
.body { padding:16px; overflow-wrap:break-word; } .body > :first-child { margin-top:0; } .body > :last-child { margin-bottom:0; }
h1,h2,h3,h4 { margin:24px 0 16px; font-weight:600; line-height:1.25; } h3 { font-size:1.25em; } h4 { font-size:1em; }
p,ul,ol,table,pre,blockquote,details { margin:0 0 16px; }
a { color:var(--link); text-decoration:none; } a:hover { text-decoration:underline; }
code { font:85%/1.45 ui-monospace,SFMono-Regular,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace; background:var(--code); padding:.2em .4em; border-radius:6px; }
pre { padding:16px; background:var(--soft); border-radius:6px; overflow:auto; } pre code { background:none; padding:0; white-space:pre; }
table { border-collapse:collapse; display:block; width:max-content; max-width:100%; overflow:auto; }
th,td { border:1px solid var(--line); padding:6px 13px; text-align:left; } tr:nth-child(2n) td { background:var(--soft); } th { font-weight:600; }
thead tr:has(th:empty):not(:has(th:not(:empty))) { display:table-row; }
summary { cursor:pointer; } sub { color:var(--fg); font-size:75%; }
blockquote { padding:0 1em; border-left:.25em solid var(--line); color:var(--muted); }
.dot { display:inline-block; width:.8em; height:.8em; border-radius:50%; vertical-align:-.05em; }
.alert { margin-bottom:16px; padding:8px 16px; border-left:.25em solid var(--note); color:inherit; } .alert > :last-child { margin-bottom:0; }
.alert-title { font-weight:500; margin-bottom:8px; text-transform:capitalize; }
.alert-tip { border-color:var(--tip); } .alert-important { border-color:var(--important); } .alert-warning { border-color:var(--warning); } .alert-caution { border-color:var(--caution); }
.alert-note .alert-title { color:var(--note); } .alert-warning .alert-title { color:var(--warning); } .alert-caution .alert-title { color:var(--caution); }
`;
