/** The page at `/`. Every address in it is relative, so that it works wherever it is mounted. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Behind the berth</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%230f766e'/%3E%3C/svg%3E">
<style>
:root { color-scheme: light dark; --ink: #172a2e; --soft: #5c7176; --paper: #f3f6f5; --card: #fff; --line: #dbe3e1; --sea: #0f766e }
@media (prefers-color-scheme: dark) { :root { --ink: #e4eeec; --soft: #93a8a6; --paper: #0f1a1c; --card: #172527; --line: #294043; --sea: #2dd4bf } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 3rem 1.25rem; max-width: 60rem; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.75rem; letter-spacing: -.02em }
h2 { margin: 0 0 .75rem; font-size: .8rem; letter-spacing: .08em; text-transform: uppercase; color: var(--soft) }
header p { margin: .25rem 0 2rem; color: var(--soft) }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)) }
section { padding: 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; min-width: 0 }
.wide { grid-column: 1 / -1 }
#time { font: 300 2.6rem/1.1 ui-monospace, monospace; font-variant-numeric: tabular-nums; color: var(--sea) }
small, .note { color: var(--soft); font-size: .85rem }
form { display: flex; gap: .5rem }
input[type=text] { flex: 1; min-width: 0; padding: .5rem .7rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: .5rem }
button { padding: .5rem 1rem; font: inherit; color: var(--card); background: var(--sea); border: 0; border-radius: .5rem; cursor: pointer }
button:disabled { opacity: .5; cursor: default }
ol { margin: .75rem 0 0; padding: 0; list-style: none; font: .85rem/1.7 ui-monospace, monospace; height: 6.8em; overflow: auto }
progress { width: 100%; height: .6rem; margin: .9rem 0 .3rem; accent-color: var(--sea) }
code { font: .85rem ui-monospace, monospace; overflow-wrap: anywhere }
a { color: var(--sea) }
ul { margin: 0; padding: 0; list-style: none; columns: 17rem }
</style>
</head>
<body>
<header>
  <h1>It works</h1>
  <p>This page comes from a service beside an agent. You reach it through a port of the gateway.</p>
</header>
<main>
  <section><h2>Events</h2><div id="time">--:--:--</div><small id="clock">connecting …</small></section>
  <section><h2>WebSocket</h2>
    <form id="say"><input type="text" id="text" aria-label="Message" value="ahoy" autocomplete="off"><button disabled>Send</button></form>
    <ol id="heard"></ol></section>
  <section class="wide"><h2>Upload</h2>
    <input type="file" id="file" aria-label="File to upload"><progress id="bar" max="1" value="0"></progress>
    <div class="note" id="result">Any size; the service counts the bytes and answers with their SHA-256.</div></section>
  <section class="wide"><h2>More to try</h2><ul>
    <li><a href="headers">headers</a> — the request as it arrived</li>
    <li><a href="slow?ms=3000">slow?ms=3000</a> — an answer that takes its time</li>
    <li><a href="download?bytes=104857600">download?bytes=104857600</a> — 100 MiB</li>
    <li><a href="clock">clock</a> — the raw event stream</li></ul></section>
</main>
<script>
const $ = (id) => document.getElementById(id);

const clock = new EventSource('clock');
clock.onmessage = (event) => {
  const { count, time } = JSON.parse(event.data);
  $('time').textContent = new Date(time).toLocaleTimeString([], { hour12: false });
  $('clock').textContent = 'event ' + count + ', ' + Math.max(0, Date.now() - new Date(time)) + ' ms ago when it came';
};
clock.onerror = () => { $('clock').textContent = 'connection lost, trying again …'; };

const say = $('say'), send = say.querySelector('button');
let socket;
const log = (text) => { const line = document.createElement('li'); line.textContent = text; $('heard').prepend(line); };
function connect() {
  socket = new WebSocket(new URL('echo', location.href).href.replace(/^http/, 'ws'));
  socket.onopen = () => { send.disabled = false; log('connected'); };
  socket.onmessage = (event) => log('← ' + event.data + '   ' + (performance.now() - sentAt).toFixed(1) + ' ms');
  socket.onclose = () => { if (!send.disabled) log('closed, trying again …'); send.disabled = true; setTimeout(connect, 1500); };
}
let sentAt = 0;
say.onsubmit = (event) => { event.preventDefault(); sentAt = performance.now(); socket.send($('text').value); };
connect();

const mib = (bytes) => (bytes / 1048576).toFixed(1) + ' MiB';
$('file').onchange = () => {
  const file = $('file').files[0];
  if (!file) return;
  const request = new XMLHttpRequest(), start = performance.now();
  request.open('POST', 'upload');
  request.upload.onprogress = ({ loaded, total }) => {
    $('bar').value = total ? loaded / total : 1;
    $('result').textContent = mib(loaded) + ' of ' + mib(total);
  };
  request.onload = () => {
    const seconds = (performance.now() - start) / 1000, answer = request.status === 200 && JSON.parse(request.responseText);
    if (!answer) { $('result').textContent = 'refused: ' + request.status + ' ' + request.responseText; return; }
    $('bar').value = 1;
    $('result').innerHTML = '<code></code>';
    $('result').firstChild.textContent = 'sha256 ' + answer.sha256 + ' · ' + answer.bytes + ' bytes · ' + (answer.bytes / seconds / 1e6).toFixed(1) + ' MB/s';
  };
  request.onerror = () => { $('result').textContent = 'the upload broke off'; };
  request.send(file);
};
</script>
</body>
</html>
`;
