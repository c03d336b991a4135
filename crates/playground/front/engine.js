// The engine: tape and mlp as WebAssembly. A question goes in as JSON, an answer comes out as JSON.

let exports_ = null;

async function start() {
  const text = document.getElementById("module").textContent;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const { instance } = await WebAssembly.instantiate(bytes, {});
  exports_ = instance.exports;
}

// What the engine says; throws an Error with the place `at`, if there is one.
function ask(question) {
  const bytes = new TextEncoder().encode(JSON.stringify(question));
  const at = exports_.room(bytes.length);
  new Uint8Array(exports_.memory.buffer, at, bytes.length).set(bytes);
  const length = exports_.call();
  const answer = JSON.parse(new TextDecoder().decode(new Uint8Array(exports_.memory.buffer, exports_.answer(), length)));
  if ("ok" in answer) return answer.ok;
  const error = new Error(answer.error.message);
  error.at = answer.error.at;
  throw error;
}
