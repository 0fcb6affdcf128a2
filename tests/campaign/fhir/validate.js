// validate.js DIR: checks that every file in DIR is an AuditEvent or a Consent as FHIR R4 defines it.  The validator is the package `fhir`, which reads
// HL7's own structure definitions; elements that it does not know are errors.  Prints each finding with its number, and ends
// with 1 when a file is not valid, or when one of the spoiled copies is: then nothing was checked.
'use strict';

const fs = require('fs');
const path = require('path');
const { Fhir } = require('fhir');

const validator = new Fhir();

function validate(event) {
	return validator.validate(event, { errorOnUnexpected: true });
}

// The spoilers: each takes a valid event and spoils it, so that it must not pass.
const spoilers = { AuditEvent: {
	'without the time': event => delete event.recorded,
	'without an agent': event => delete event.agent,
	'two types': event => { event.type = [event.type, event.type]; },
	'an action that is none': event => { event.action = 'Q'; },
	'an unknown element': event => { event.diagnosis = 'C50.9'; },
	'a number for a boolean': event => { event.agent[0].requestor = 1; },
}, Consent: {
	'without a category': consent => delete consent.category,
	'revoked': consent => { consent.status = 'revoked'; },
	'a list of provisions': consent => { consent.provision = [consent.provision]; },
	'an actor without a role': consent => delete consent.provision.actor[0].role,
	'data without a meaning': consent => delete consent.provision.data[0].meaning,
	'an unknown element': consent => { consent.grantor = consent.patient; },
} };

const directory = process.argv[2];
const files = fs.readdirSync(directory).filter(name => name.endsWith('.json'));
const found = new Map();
let refused = 0;

for (const name of files) {
	const text = fs.readFileSync(path.join(directory, name), 'utf8');
	const result = validate(JSON.parse(text));

	if (!result.valid || !(JSON.parse(text).resourceType in spoilers)) {
		console.log(`NOT VALID  ${name}`);
		refused++;
	}
	for (const message of result.messages) {
		const line = `${message.severity}: ${message.location.replace(/\[\d+\]/g, '')}: ${message.message}`;

		found.set(line, (found.get(line) || 0) + 1);
	}
}
for (const [line, count] of found)
	console.log(`${String(count).padStart(5)}  ${line}`);

for (const [type, ways] of Object.entries(spoilers)) {
	const texts = files.map(name => fs.readFileSync(path.join(directory, name), 'utf8'));
	const sample = texts.find(text => JSON.parse(text).resourceType === type);

	if (sample === undefined) {
		console.log(`NONE  ${type}`);
		refused++;
		continue;
	}
	for (const [what, spoil] of Object.entries(ways)) {
		const resource = JSON.parse(sample);

		spoil(resource);
		if (validate(resource).valid) {
			console.log(`NOT SEEN  ${type} ${what}`);
			refused++;
		}
	}
}
console.log(`${files.length} AuditEvents and Consents, ${refused} findings against them`);
process.exit(files.length === 0 || refused > 0 ? 1 : 0);
