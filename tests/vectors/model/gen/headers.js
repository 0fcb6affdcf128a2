// headers.json: the headers of a file, as an entry of the record's sealed metadata.
import { ascii, cat, hex, u8 } from '../lib/bytes.js';
import * as Q from '../lib/parts.js';

const KEY = 'emrfs.headers';
const KINDS = { dicom: 1, pdf: 2, fhir: 3 };
const TAGS = { modality: 1, study_date: 2, description: 3, organisation: 4, patient_name: 5, patient_id: 6,
	study_uid: 7, series_uid: 8, instance_uid: 9, class_uid: 10 };

function encode(facts) {
	const fields = Object.entries(TAGS).filter(([name]) => facts[name])
		.map(([name, tag]) => { const text = new TextEncoder().encode(facts[name]); return cat(u8(tag), u8(text.length), text); });
	return cat(u8(1), u8(KINDS[facts.kind]), ...fields);
}

const CASES = [
	{ kind: 'dicom', modality: 'CT', study_date: '2004-01-19', description: 'Schädel nativ', organisation: 'JFK IMAGING CENTER' },
	{ kind: 'pdf', study_date: '2026-11', description: 'x'.repeat(200) },
	{ kind: 'fhir', description: 'Observation: Body weight', organisation: 'Praxis Dr. Weiß' },
	{ kind: 'dicom', modality: 'MR', patient_name: 'Müller^Zoë', patient_id: 'K7QF', study_uid: '1.2.3', series_uid: '1.2.3.4',
		instance_uid: '1.2.3.4.5', class_uid: '1.2.840.10008.5.1.4.1.1.4' },
];

export function build() {
	return {
		key: KEY,
		cases: CASES.map((facts) => {
			const value = encode(facts);
			// As the list of user.* values holds it, before those of the person.
			const meta = Q.meta({ type: 1, mode: 0o600, n: 39206, mtimeNs: 0n, parent: new Uint8Array(16), name: 'a',
				xattrs: { [KEY]: value, 'user.note': ascii('first look') } });
			return { ...facts, value: hex(value), meta: hex(meta) };
		}),
	};
}
