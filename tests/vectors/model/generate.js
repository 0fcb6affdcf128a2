// Writes ../*.json from the equations. `node generate.js NAME...` does only those.
import { writeFileSync } from 'node:fs';
import { knownCount } from './lib/known.js';
import { fileFor, GENERATORS, render } from './registry.js';

const wanted = process.argv.slice(2);
for (const name of wanted.length ? wanted : GENERATORS) {
	const text = await render(name);
	writeFileSync(fileFor(name), text);
	console.log(`${name}.json: ${text.length} bytes`);
}
console.log(`${knownCount()} answers compared with values known beforehand`);
