import{m as e}from"./words-CP7AnN_T.js";import{d as t,u as n}from"./markdown-2MC0LRR_.js";import{appendFile as r,stat as i}from"node:fs/promises";async function a(i,a){if(i===void 0||i===``)return n(`not_found`,`The job summary: GITHUB_STEP_SUMMARY is not set.`);try{let e=await o(i);return await r(i,c(a.endsWith(`
`)?a:`${a}\n`,1048576-e)),t(void 0)}catch(t){return n(`rejected`,`Writing the job summary to ${i}: ${e(t)}`)}}async function o(e){return(await i(e).catch(e=>{if(!(e instanceof Error&&`code`in e&&e.code===`ENOENT`))throw e}))?.size??0}const s=`

_The rest was cut: a job summary holds 1 MiB at most._
`;function c(e,t){if(Buffer.byteLength(e)<=t)return e;let n=t-Buffer.byteLength(s);if(n<=0)return``;let r=Buffer.from(e).subarray(0,n).toString(`utf8`).replace(/\uFFFD+$/,``);return`${r.slice(0,r.lastIndexOf(`
`)+1)}${s}`}export{a as t};