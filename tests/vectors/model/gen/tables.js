// tables.json: terms that name columns, and tables that readers are shown as copies by them, or not.
import { ascii, hex } from '../lib/bytes.js';
import * as C from '../lib/content.js';
import { sha256 } from '../lib/prim.js';
import * as T from '../lib/tables.js';
import { known } from '../lib/known.js';

const TABLE = 'PS3.15-2026c/2';
const file = '{"purpose":"To follow sugar","who":"Researchers","until":"2099-12-31","data":"de-identified","columns":'
	+ '{"taken":"date","Glucose (mmol)":"number","unit":"code","sex":["F","M","n/a"],"Proteína":["-","+","++"]}}';

const TABLES = [
	'taken,Glucose (mmol),unit,sex,Proteína\n1994-01-26,5.4,g/L,F,++\n,,,,\n1994-01-26T10:15:00.5,<=6,%,n/a,-\n',
	'unit\n', 'unit\n\n', 'sex;taken\nM;1994-01-26T10:15\n', 'unit\tsex\nx\tM\n', 'Glucose (mmol)\n>-123456.1\n', 'Glucose (mmol)\n123456.12\n', 'Glucose (mmol)\n1.1234567\n', 'Glucose (mmol)\n>-1234567\n', 'Glucose (mmol)\n5,4\n',
	'Glucose (mmol)\n=5\n', 'Glucose (mmol)\n<>5\n', 'Glucose (mmol)\n5.\n', 'Glucose (mmol)\n 5\n', 'glucose (mmol)\n5\n', 'unit', 'unit\nmol', '', '\n', 'name\nAna\n',
	'unit,unit\nx,x\n', 'unit,sex\nx\n', 'unit,sex\nx;F\n', 'unit,sex\nx,F,\n', 'unit\nAna Silva\n', 'unit\nC34/C34.1/Hb-...\n', 'unit\nC34/C34.1/Hb-....\n', 'unit\n26-JAN-94\n', 'unit\n26/01/94\n', 'unit\n26Jan94\n', 'unit\n1234\n',
	'unit\nAna\n', 'unit\nA.S.\n', 'unit\nn/a\n', 'unit\nsub-01\n', 'unit\nAn.na1\n', 'unit\nmmol/L\n',
	'unit\n12345\n', 'unit\n912-345\n', 'unit\n912-345-678\n', 'unit\n1960-02-29\n', 'unit\n=cmd\n', 'unit\n+1\n', 'unit\n-+-\n', 'unit\n"x"\n', 'unit\r\nx\r\n', '\ufeffunit\nx\n', 'unit\nMüller\n', 'sex\nf\n', 'sex\nAna\n', 'sex\nF|M\n', 'sex\n|\n',
	'taken\n1997-12-31\n', 'taken\n1998-01-01\n', 'taken\n1994-13-01\n', 'taken\n1994-01-32\n', 'taken\n19940126\n', 'taken\n1994-01-26T10\n', 'taken\n1994-01-26T10:15:00Z\n',
	'taken\n1994-01-26T10:15:00.1234567\n', 'taken\n1994-01-26 10:15\n', 'Proteína\n+\n', 'Proteína\n+++\n',
];

export function build() {
	const named = T.columns(file);
	const terms = sha256(ascii(file));
	const rules = { year: 2026, withoutDates: false };
	const judged = TABLES.map((text) => ({ text, is_copy: T.isCopy(text, named, rules), is_copy_without_dates: T.isCopy(text, named, { ...rules, withoutDates: true }) }));
	known('tables that are copies', judged.filter((t) => t.is_copy).length.toString(), '14');
	return { file, terms: hex(terms), table: TABLE, rules: hex(C.derivedRules(TABLE, terms)), year: rules.year, columns: named, tables: judged };
}
