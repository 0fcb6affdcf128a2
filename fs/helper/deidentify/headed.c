/* This file cleans headers of fixed layout: NIfTI (nifti1.h and nifti2.h of nifti.nimh.nih.gov) and
 * EDF (edfplus.info, EDF and EDF+; biosemi.com for BDF, which has samples of three bytes). One
 * function says what a file becomes, for the writer and, as a copy is left as it is by it, for the
 * scan. */
#include "headed.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"

#define SIGNALS_MAX 512
#define IMAGE_MAX (UINT64_C(1) << 40)

/* A copy that is written to FD, or (-1) a file that is compared with its copy. */
typedef struct pour {
	flat_file *in;
	int fd;
	uint64_t at; /* in what is written */
	emr_status status;
	bool is_same;
} pour;

static void put(pour *to, const uint8_t *bytes, size_t len)
{
	const uint8_t *p;

	if (to->fd < 0) {
		p = flat_bytes(to->in, to->at, len);
		to->is_same = to->is_same && p != NULL && memcmp(p, bytes, len) == 0;
	} else if (to->status == EMR_OK) {
		to->status = emr_pwrite_all(to->fd, bytes, len, (off_t)to->at);
	}
	to->at += len;
}

/* LEN bytes from FROM of the original, as they are. */
static void put_same(pour *to, uint64_t from, uint64_t len)
{
	for (uint64_t i = 0; to->fd >= 0 && to->is_same && i < len; i += FLAT_BLOCK) {
		size_t n = len - i < FLAT_BLOCK ? (size_t)(len - i) : FLAT_BLOCK;
		const uint8_t *p = flat_bytes(to->in, from + i, n);

		to->is_same = p != NULL; /* it was longer a moment ago */
		if (p != NULL)
			put(to, p, n);
	}
	to->at += to->fd < 0 ? len : 0;
}

/* ---- NIfTI ---- */

typedef struct nifti {
	const uint8_t *p;
	bool is_two, is_big;
} nifti;

static uint64_t number_at(const nifti *n, size_t at, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | n->p[at + (n->is_big ? i : bytes - 1 - i)];
	return v;
}

static double real_at(const nifti *n, size_t at)
{
	uint64_t bits = number_at(n, at, n->is_two ? 8 : 4);
	uint32_t half = (uint32_t)bits;
	double whole;
	float single;

	memcpy(&whole, &bits, sizeof whole);
	memcpy(&single, &half, sizeof single);
	return n->is_two ? whole : (double)single;
}

static bool is_nifti(flat_file *f, nifti *out)
{
	static uint8_t head[544];
	const uint8_t *p = flat_bytes(f, 0, 348);

	if (p == NULL)
		return false;
	*out = (nifti){
		.p = head, .is_two = memcmp(p + 4, "n+2\0\r\n\x1a\n", 8) == 0, .is_big = p[0] == 0};
	p = flat_bytes(f, 0, out->is_two ? 544 : 352);
	if (p == NULL)
		return false;
	memcpy(head, p, out->is_two ? 544 : 352);
	return number_at(out, 0, 4) == (out->is_two ? 540 : 348) &&
	       (out->is_two || memcmp(head + 344, "n+1", 4) == 0);
}

/* Bytes of the samples; 0: they cannot be. */
static uint64_t image_bytes(const nifti *n)
{
	const size_t wide = n->is_two ? 8 : 2, first = n->is_two ? 16 : 40;
	uint64_t bytes = number_at(n, n->is_two ? 14 : 72, 2) / 8, dims = number_at(n, first, wide);

	if (dims < 1 || dims > 7 || bytes > 32)
		return 0;
	for (size_t i = 1; i <= dims; i++) {
		uint64_t size = number_at(n, first + i * wide, wide);

		if (size == 0 || size > IMAGE_MAX / (bytes > 0 ? bytes : 1))
			return 0;
		bytes *= size;
	}
	return bytes <= IMAGE_MAX ? bytes : 0;
}

/* A head may be in it, as nothing says that none is. */
static bool may_show_face(const nifti *n)
{
	const size_t first = n->is_two ? 104 : 76, wide = n->is_two ? 8 : 4;

	if ((number_at(n, n->is_two ? 500 : 123, n->is_two ? 4 : 1) & 7) != 2)
		return true; /* not in millimetres */
	for (size_t i = 1; i <= 3; i++)
		if (!(real_at(n, first + i * wide) >= 3.0))
			return true;
	return false;
}

/* Numbers stay; data_type, db_name, descrip, aux_file, intent_name, extensions and what nobody
 * uses any more become zeros. */
static emr_withheld pour_nifti(pour *to, const nifti *n, bool with_faces)
{
	static const struct {
		uint16_t from, to;
	} kept[2][4] = {{{0, 4}, {39, 140}, {252, 328}, {344, 348}},
		{{0, 240}, {344, 508}, {524, 525}, {0, 0}}};
	const size_t head = n->is_two ? 544 : 352, at = n->is_two ? 168 : 108;
	const uint64_t bytes = image_bytes(n), kind = number_at(n, n->is_two ? 12 : 70, 2);
	const double begin = n->is_two ? (double)number_at(n, at, 8) : real_at(n, at);
	uint8_t clean[544] = {0};

	if (bytes == 0 || !(begin >= (double)head) || begin > (double)to->in->size ||
		begin != (double)(uint64_t)begin || to->in->size - (uint64_t)begin != bytes)
		return EMR_WITHHELD_DAMAGED;
	if (kind == 128 || kind == 2304) /* colours: a picture that was drawn */
		return EMR_WITHHELD_BURNED_IN;
	if (!with_faces && may_show_face(n))
		return EMR_WITHHELD_FACE;
	for (size_t i = 0; i < 4; i++)
		memcpy(clean + kept[n->is_two][i].from, n->p + kept[n->is_two][i].from,
			kept[n->is_two][i].to - kept[n->is_two][i].from);
	if (n->is_two) /* where the samples begin: 544, and 352 as a float */
		memcpy(clean + at, n->is_big ? "\0\0\0\0\0\0\2\x20" : "\x20\2\0\0\0\0\0\0", 8);
	else
		memcpy(clean + at, n->is_big ? "\x43\xb0\0\0" : "\0\0\xb0\x43", 4);
	put(to, clean, head);
	put_same(to, (uint64_t)begin, bytes);
	return EMR_WITHHELD_NOT;
}

/* ---- EDF and BDF ---- */

typedef struct edf {
	bool is_bdf;
	uint32_t signals, samples[SIGNALS_MAX]; /* of a record */
	bool is_notes[SIGNALS_MAX];
	uint64_t records;
} edf;

/* A field of LEN characters is a number and blanks; *OUT (may be NULL): it, where it is whole. */
static bool is_number(const uint8_t *p, size_t len, uint64_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len && p[i] != ' '; i++) {
		if (strchr(out != NULL ? "0123456789" : "0123456789+-.eE", p[i]) == NULL ||
			p[i] == 0)
			return false;
		n = i + 1;
		if (out != NULL)
			*out = (i == 0 ? 0 : *out * 10) + p[i] - '0';
	}
	for (size_t i = n; i < len; i++)
		if (p[i] != ' ')
			return false;
	return n > 0;
}

/* P, without the blanks at its end, is a word of LIST ("|EEG|ECG|"). */
static bool is_word(const char *list, const uint8_t *p, size_t len)
{
	char word[20] = "|";

	while (len > 0 && p[len - 1] == ' ')
		len--;
	if (len == 0 || len > 16 || memchr(p, '|', len) != NULL || memchr(p, 0, len) != NULL)
		return false;
	memcpy(word + 1, p, len);
	strcpy(word + 1 + len, "|");
	return strcasestr(list, word) != NULL;
}

/* A place of the 10-20 system and its finer ones: Fp1, Cz, A2, PO10. */
static bool is_place(const uint8_t *p, size_t len)
{
	static const char places[] = "|A|AF|C|CB|CP|F|FC|FP|FT|I|M|N|O|P|PO|PG|T|TP|";
	size_t letters = len;

	while (letters > 0 && p[letters - 1] >= '0' && p[letters - 1] <= '9')
		letters--;
	if (letters == len && len > 1 && (p[len - 1] | 0x20) == 'z')
		letters--;
	return letters < len && len - letters <= 2 && is_word(places, p, letters);
}

/* "EEG Fp1-Cz", "EDF Annotations", "C3": a kind of signal of EDF+, places, or both. */
static bool is_label(const uint8_t *p)
{
	static const char kinds[] =
		"|EEG|ECG|EKG|EOG|ERG|EMG|MEG|MCG|EP|Temp|Resp|SaO2|SpO2|Light|Sound|Event|Status|"
		"Flow|Pulse|HR|Snore|Airflow|EDF Annotations|BDF Annotations|REF|LE|I|II|III|V|aVR|"
		"aVL|aVF|V1|V2|V3|V4|V5|V6|E1|E2|ROC|LOC|";
	size_t from = 0;

	if (is_word(kinds, p, 16))
		return true;
	for (size_t i = 0; i <= 16; i++) {
		if (i < 16 && p[i] != ' ' && p[i] != '-')
			continue;
		if (i > from && !is_place(p + from, i - from) &&
			!is_word(kinds, p + from, i - from))
			return false;
		from = i + 1;
	}
	return p[0] != ' ';
}

/* The fields of the signals are one after the other by kind: WIDTH characters at START. */
static const uint8_t *field(const uint8_t *head, const edf *e, size_t start, size_t width, size_t i)
{
	return head + 256 + start * e->signals + width * i;
}

/* The length of a record, as the header says it; 0: it says something that cannot be. */
static uint64_t record_bytes(const uint8_t *head, edf *e)
{
	uint64_t bytes = 0, n = 0;

	for (size_t i = 0; i < e->signals; i++) {
		const uint8_t *label = field(head, e, 0, 16, i);

		if (!is_number(field(head, e, 216, 8, i), 8, &n) || n == 0 || n > UINT32_MAX / 3)
			return 0;
		e->samples[i] = (uint32_t)n * (e->is_bdf ? 3 : 2);
		e->is_notes[i] = is_word("|EDF Annotations|BDF Annotations|", label, 16);
		bytes += e->samples[i];
		for (size_t k = 0; k < 4; k++) /* what the least and the most is */
			if (!is_number(field(head, e, 104 + 8 * k, 8, i), 8, NULL))
				return 0;
		if (e->is_notes[i] && e->samples[i] > FLAT_VALUE_MAX)
			return 0;
	}
	return bytes;
}

static void clean_edf(const uint8_t *head, const edf *e, uint8_t *clean)
{
	static const char units[] =
		"|uV|mV|V|nV|%|degC|K|bpm|mmHg|cmH2O|L|L/s|L/min|Hz|kHz|s|ms|Ohm|"
		"kOhm|dB|g|pT|fT|Boolean|";
	static const char kinds[] = "|EDF+C|EDF+D|BDF+C|BDF+D|24BIT|";

	memset(clean, ' ', 256 + (size_t)e->signals * 256);
	memcpy(clean, head, 8);
	memcpy(clean + 8, "X X X X", 7);
	memcpy(clean + 88, "Startdate X X X X", 17);
	memcpy(clean + 168, "01.01.8500.00.00", 16); /* the first day that there is */
	memcpy(clean + 184, head + 184, 8);
	if (is_word(kinds, head + 192, 16))
		memcpy(clean + 192, head + 192, 5);
	memcpy(clean + 236, head + 236, 20);
	for (size_t i = 0; i < e->signals; i++) {
		const size_t label = (size_t)(field(clean, e, 0, 16, i) - clean),
			     unit = (size_t)(field(clean, e, 96, 8, i) - clean);

		memcpy(clean + label,
			is_label(head + label) ? (const char *)head + label : "Signal          ",
			16);
		if (is_word(units, head + unit, 8))
			memcpy(clean + unit, head + unit, 8);
		for (size_t k = 104; k < 136; k += 8)
			memcpy(clean + (field(clean, e, k, 8, i) - clean), field(head, e, k, 8, i),
				8);
		memcpy(clean + (field(clean, e, 216, 8, i) - clean), field(head, e, 216, 8, i), 8);
	}
}

/* Of annotations only the first stays, which says when a record begins and has no words. */
static void put_notes(pour *to, uint64_t from, uint32_t len)
{
	static uint8_t clean[FLAT_VALUE_MAX];
	const uint8_t *p = flat_bytes(to->in, from, len);
	size_t n = 0;

	memset(clean, 0, len);
	if (p != NULL && len > 1 && (p[0] == '+' || p[0] == '-'))
		for (n = 1; n < len && strchr("0123456789.", p[n]) != NULL && p[n] != 0; n++)
			;
	if (n > 1 && n <= 20 && len - n >= 3 && memcmp(p + n, "\x14\x14", 3) == 0)
		memcpy(clean, p, n + 3);
	put(to, clean, len);
}

static emr_withheld pour_edf(pour *to, edf *e)
{
	static uint8_t head[256 * (SIGNALS_MAX + 1)], clean[sizeof head];
	const uint8_t *p = flat_bytes(to->in, 0, 256);
	uint64_t n = 0, at, size = 0;

	if (!is_number(p + 252, 4, &n) || n < 1 || n > SIGNALS_MAX ||
		!is_number(p + 244, 8, NULL) || !is_number(p + 236, 8, &e->records))
		return EMR_WITHHELD_DAMAGED;
	e->signals = (uint32_t)n;
	at = 256 * (n + 1);
	if (!is_number(p + 184, 8, &size) || size != at || at > to->in->size)
		return EMR_WITHHELD_DAMAGED;
	for (size_t i = 0; i < at; i += 256) {
		if ((p = flat_bytes(to->in, i, 256)) == NULL)
			return EMR_WITHHELD_DAMAGED;
		memcpy(head + i, p, 256);
	}
	size = record_bytes(head, e);
	if (size == 0 || e->records != (to->in->size - at) / size ||
		(to->in->size - at) % size != 0)
		return EMR_WITHHELD_DAMAGED;
	clean_edf(head, e, clean);
	put(to, clean, (size_t)at);
	for (uint64_t r = 0; r < e->records && to->status == EMR_OK && to->is_same; r++)
		for (size_t i = 0; i < e->signals; at += e->samples[i++])
			if (e->is_notes[i])
				put_notes(to, at, e->samples[i]);
			else
				put_same(to, at, e->samples[i]);
	return EMR_WITHHELD_NOT;
}

/* ---- all of them ---- */

static emr_withheld pour_file(pour *to, unsigned with, bool with_faces, emr_copy_form *out_form)
{
	static edf e;
	const uint8_t *p;
	nifti n;

	*out_form = EMR_COPY_NIFTI;
	if ((with & 1u << EMR_COPY_NIFTI) != 0 && is_nifti(to->in, &n))
		return pour_nifti(to, &n, with_faces);
	p = (with & 1u << EMR_COPY_EDF) != 0 ? flat_bytes(to->in, 0, 256) : NULL;
	e = (edf){.is_bdf = p != NULL && memcmp(p,
						 "\xff"
						 "BIOSEMI",
						 8) == 0};
	if (p == NULL || (!e.is_bdf && memcmp(p, "0       ", 8) != 0))
		return EMR_WITHHELD_NOT_DICOM;
	*out_form = e.is_bdf ? EMR_COPY_BDF : EMR_COPY_EDF;
	return pour_edf(to, &e);
}

emr_status headed_copy(
	int in_fd, uint64_t size, int out_fd, unsigned with, bool with_faces, emr_deidentified *out)
{
	static flat_file f;
	pour to = {.in = &f, .fd = out_fd, .is_same = true};
	emr_copy_form form;

	f = (flat_file){.fd = in_fd, .size = size};
	*out = (emr_deidentified){.withheld = pour_file(&to, with, with_faces, &form)};
	if (out->withheld == EMR_WITHHELD_NOT && !to.is_same)
		out->withheld = EMR_WITHHELD_DAMAGED;
	if (out->withheld == EMR_WITHHELD_NOT) {
		out->form = form;
		out->size = to.at;
	}
	return to.status;
}

emr_withheld headed_scan(flat_file *f, unsigned with, bool with_faces)
{
	pour to = {.in = f, .fd = -1, .is_same = true};
	emr_copy_form form;
	emr_withheld why = pour_file(&to, with, with_faces, &form);

	return why == EMR_WITHHELD_NOT && (!to.is_same || to.at != f->size)
		       ? EMR_WITHHELD_FOUND_AGAIN
		       : why;
}
