// Prints what the module computes: node run.mjs platforms.wasm [simd128]
//
// With `simd128` the module has to run on vectors, without it on the baseline.
import { readFileSync } from "node:fs";

const [file, vectors] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(file), {});
const { memory, report_length, report_address, has_vectors } = instance.exports;
const length = report_length();
// After the report: the memory may have grown, and is another array then.
process.stdout.write(new Uint8Array(memory.buffer, report_address(), length));
if (Boolean(has_vectors()) !== (vectors === "simd128")) {
    throw new Error(`vectors: ${has_vectors()}`);
}
