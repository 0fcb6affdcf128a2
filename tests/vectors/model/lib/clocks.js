// What time others have said (CONTRACT.md, 1: `said`), from the entries of a ledger and its K rows; and answers to that which were worked out by hand.
import { fill, hex, u16, u64, u8, zeros } from './bytes.js';
import { known } from './known.js';
import { entry } from './ledger.js';
import { cut, key, num, Row, row } from './rows.js';

const DEVICE = 2;

/** The certificate that stands for the person of a key in force, of a device the one of its endorser; null: nobody's. */
function person(state, id) {
	const at = (k) => (state.has(k) ? new Row(state.get(k)) : null);
	const own = at(key.K(id));
	if (own?.state !== 1) return null;
	const vouched = own.int(82, 1) === DEVICE ? at(key.K(own.at(200, 32))) : own;
	return vouched && hex(vouched.at(200, 32));
}

/** ENTRIES in their order; STATE is a map of rows, as before the batch that SUBMITTER brings. */
export function said(entries, state, submitter) {
	const words = new Map();
	for (const bytes of entries) words.set(person(state, cut(bytes, 24, 32)), num(bytes, 16, 8));
	words.delete(null);
	words.delete(person(state, submitter));
	return [...words.values()].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))[1] ?? 0n;
}

/* Ana's two keys and her tablet are one person, Boss, Lima and Rui one each; Old's key was revoked; nobody has registered Stray. */
const [ANA, ANA2, TABLET, BOSS, LIMA, RUI, OLD, STRAY] = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => fill(n, 32));
const keyRow = (how, ref, state = 1) => row(1, { state, version: 1n, item: zeros(32) }, zeros(32), u16(1), u8(how), zeros(5), zeros(16), zeros(96), ref, u64(1), u64(0), zeros(64));
const STATE = new Map([
	[key.K(ANA), keyRow(1, fill(0xa1, 32))], [key.K(ANA2), keyRow(1, fill(0xa1, 32))], [key.K(TABLET), keyRow(DEVICE, ANA)],
	[key.K(BOSS), keyRow(1, fill(0xa2, 32))], [key.K(LIMA), keyRow(1, fill(0xa3, 32))], [key.K(RUI), keyRow(1, fill(0xa4, 32))], [key.K(OLD), keyRow(1, fill(0xa5, 32), 2)],
]);
const ledger = (...words) => words.map(([submitterId, ledgerTime], i) => entry({
	host: 1, seq: i + 1, ledgerTime, submitterId, prevEntry: zeros(32), header: zeros(208), results: [1],
}).bytes);

const CASES = [
	['nobody has said anything', [], LIMA, 0n],
	['one other is nobody', [[ANA, 900]], LIMA, 0n],
	['of two others the earlier', [[ANA, 900], [BOSS, 500]], LIMA, 500n],
	['of three others the second latest', [[ANA, 900], [BOSS, 500], [RUI, 700]], LIMA, 700n],
	['of two who say the same, that', [[ANA, 900], [BOSS, 900]], LIMA, 900n],
	['what one says oneself does not count', [[LIMA, 900], [BOSS, 500]], LIMA, 0n],
	['who is put right is forgiven', [[ANA, 900], [BOSS, 800], [ANA, 100]], LIMA, 100n],
	['two keys of one certificate are one', [[ANA, 900], [ANA2, 800]], LIMA, 0n],
	['the newest word of a person counts, whichever key said it', [[ANA, 900], [BOSS, 800], [ANA2, 100]], LIMA, 100n],
	['a device says what its person says', [[ANA, 900], [TABLET, 800], [BOSS, 50]], LIMA, 50n],
	['a device\'s person is left out', [[ANA, 900], [BOSS, 800], [RUI, 700]], TABLET, 700n],
	['a key that was ended says nothing', [[OLD, 900], [BOSS, 800]], LIMA, 0n],
	['a key that nobody registered says nothing', [[STRAY, 900], [BOSS, 800]], LIMA, 0n],
	['of who submits without a row nobody is left out', [[ANA, 900], [BOSS, 800]], STRAY, 800n],
	['nor of whose key was ended', [[OLD, 950], [ANA, 900], [BOSS, 800]], OLD, 800n],
];

/** Fails at the first that differs. */
export function clocks() {
	for (const [name, words, submitter, want] of CASES) known(name, String(said(ledger(...words), STATE, submitter)), String(want));
	return CASES.length;
}
