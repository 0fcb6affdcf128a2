// Judges every recorded case of tests/conformance/contract with the model's own contract: answers and rows must be the same bytes.
// `node contract.js FILE...` takes other files.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compareCase } from './lib/contract.js';

const dir = fileURLToPath(new URL('../../conformance/contract/', import.meta.url));
const files = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(dir).filter((f) => f.endsWith('.jsonl')).map((f) => dir + f);
let [cases, bad] = [0, 0];
for (const file of files)
	for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
		const json = JSON.parse(line);
		const differs = compareCase(json);
		cases++;
		if (!differs) continue;
		bad++;
		if (bad <= 20) console.log(`${file.slice(file.lastIndexOf('/') + 1)}: ${json.name}: ${differs}`);
	}
console.log(`${cases} recorded batches, ${bad} judged otherwise`);
process.exit(bad ? 1 : 0);
