/* This file cleans headers: NIfTI (nifti1.h and nifti2.h of nifti.nimh.nih.gov), EDF (edfplus.info,
 * EDF and EDF+; biosemi.com for BDF, which has samples of three bytes), and those of genomes, as
 * genome.c says. One function says what a file becomes, for the writer and, as a copy is left as it
 * is by it, for the scan. */
#include "headed.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "copy.h"
#include "genome.h"
#include "bgzf.h"

#define SIGNALS_MAX (FLAT_BLOCK / 256 - 1) /* the header is one block */
#define IMAGE_MAX (UINT64_C(1) << 40)

/* A copy that is written to FD, or (-1) a file that is compared with its copy. */
typedef struct pour {
	flat_file *in;
	int fd;
	bgzf_out *packed; /* NULL: as it is */
	uint64_t at;	  /* in what is written, before it is packed */
	emr_status status;
	bool is_same;
} pour;

static void put(pour *to, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; to->fd < 0 && to->is_same && i < len; i += FLAT_BLOCK) {
		const size_t n = len - i < FLAT_BLOCK ? len - i : FLAT_BLOCK;
		const uint8_t *p = flat_bytes(to->in, to->at + i, n);

		to->is_same = p != NULL && memcmp(p, bytes + i, n) == 0;
	}
	if (to->fd >= 0 && to->status == EMR_OK)
		to->status = to->packed != NULL ? bgzf_put(to->packed, bytes, len, false)
						: emr_pwrite_all(to->fd, bytes, len, (off_t)to->at);
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

/* Where NIfTI-1 and NIfTI-2 have numbers, and how wide each is there. */
enum { SAID, DIMS, KIND, BITS, SIZES, UNITS, BEGIN };
static const struct {
	uint16_t at, wide;
} numbers[][2] = {[SAID] = {{0, 4}, {0, 4}},
	[DIMS] = {{40, 2}, {16, 8}},
	[KIND] = {{70, 2}, {12, 2}},
	[BITS] = {{72, 2}, {14, 2}},
	[SIZES] = {{76, 4}, {104, 8}},
	[UNITS] = {{123, 1}, {500, 4}},
	[BEGIN] = {{108, 4}, {168, 8}}};

/* P is there until other bytes are asked for. */
typedef struct nifti {
	const uint8_t *p;
	size_t head; /* bytes of it */
	bool is_two, is_big;
} nifti;

/* Number I of those at WHAT. */
static uint64_t number(const nifti *n, unsigned what, size_t i)
{
	const size_t wide = numbers[what][n->is_two].wide;
	const uint8_t *p = n->p + numbers[what][n->is_two].at + i * wide;
	uint64_t v = 0;

	for (size_t k = 0; k < wide; k++)
		v = v << 8 | p[n->is_big ? k : wide - 1 - k];
	return v;
}

static double real(const nifti *n, unsigned what, size_t i)
{
	uint64_t bits = number(n, what, i);
	uint32_t half = (uint32_t)bits;
	double whole;
	float single;

	memcpy(&whole, &bits, sizeof whole);
	memcpy(&single, &half, sizeof single);
	return n->is_two ? whole : (double)single;
}

static bool is_nifti(flat_file *f, nifti *out)
{
	const uint8_t *p = flat_bytes(f, 0, 352);
	const bool is_two = p != NULL && memcmp(p + 4, "n+2\0\r\n\x1a\n", 8) == 0;

	*out = (nifti){.head = is_two ? 544 : 352, .is_two = is_two};
	out->p = flat_bytes(f, 0, out->head);
	out->is_big = out->p != NULL && out->p[0] == 0;
	return out->p != NULL && number(out, SAID, 0) == (is_two ? 540 : 348) &&
	       (is_two || memcmp(out->p + 344, "n+1", 4) == 0);
}

/* Bytes of the samples; 0: they cannot be. */
static uint64_t image_bytes(const nifti *n)
{
	uint64_t bytes = number(n, BITS, 0) / 8, dims = number(n, DIMS, 0);

	if (dims < 1 || dims > 7 || bytes > 32)
		return 0;
	for (size_t i = 1; i <= dims; i++) {
		uint64_t size = number(n, DIMS, i);

		if (size == 0 || size > IMAGE_MAX / (bytes > 0 ? bytes : 1))
			return 0;
		bytes *= size;
	}
	return bytes <= IMAGE_MAX ? bytes : 0;
}

/* Numbers stay; data_type, db_name, descrip, aux_file, intent_name, extensions and what nobody
 * uses any more become zeros. */
static emr_withheld pour_nifti(pour *to, const nifti *n, bool with_faces)
{
	static const struct {
		uint16_t from, to;
	} kept[2][4] = {{{0, 4}, {39, 140}, {252, 328}, {344, 348}},
		{{0, 240}, {344, 508}, {524, 525}, {0, 0}}};
	/* 352 as a float, and 544: the samples are behind the head. */
	static const char begins[2][2][9] = {
		{"\0\0\xb0\x43", "\x43\xb0\0\0"}, {"\x20\2\0\0\0\0\0\0", "\0\0\0\0\0\0\2\x20"}};
	const uint64_t bytes = image_bytes(n), kind = number(n, KIND, 0);
	const double begin = n->is_two ? (double)number(n, BEGIN, 0) : real(n, BEGIN, 0);
	/* A head may be in it, as nothing says that none is: not in millimetres, or thin. */
	bool may_show_face = (number(n, UNITS, 0) & 7) != 2;
	uint8_t clean[544] = {0};

	for (size_t i = 1; i <= 3; i++)
		may_show_face |= !(real(n, SIZES, i) >= 3.0);
	if (bytes == 0 || bytes > to->in->size || begin < (double)n->head ||
		begin != (double)(to->in->size - bytes))
		return EMR_WITHHELD_DAMAGED;
	if (kind == 128 || kind == 2304) /* colours: a picture that was drawn */
		return EMR_WITHHELD_BURNED_IN;
	if (!with_faces && may_show_face)
		return EMR_WITHHELD_FACE;
	for (size_t i = 0; i < 4; i++)
		memcpy(clean + kept[n->is_two][i].from, n->p + kept[n->is_two][i].from,
			kept[n->is_two][i].to - kept[n->is_two][i].from);
	memcpy(clean + numbers[BEGIN][n->is_two].at, begins[n->is_two][n->is_big],
		numbers[BEGIN][n->is_two].wide);
	put(to, clean, n->head);
	put_same(to, to->in->size - bytes, bytes);
	return EMR_WITHHELD_NOT;
}

/* ---- EDF and BDF ---- */

typedef struct edf {
	uint32_t signals, samples[SIGNALS_MAX]; /* bytes of a record's */
	bool is_notes[SIGNALS_MAX];
} edf;

/* A field of LEN characters, to eight, is a number and blanks; *OUT (may be NULL): it, where it is
 * whole. */
static bool is_number(const uint8_t *p, size_t len, uint64_t *out)
{
	char text[9] = "";

	memcpy(text, p, len);
	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
	if (out != NULL)
		*out = strtoull(text, NULL, 10);
	return len > 0 && strspn(text, out != NULL ? "0123456789" : "0123456789+-.eE") == len;
}

/* P, without the blanks at its end, is a word of LIST ("|EEG|ECG|"). */
static bool is_word(const char *list, const uint8_t *p, size_t len)
{
	while (len > 0 && p[len - 1] == ' ')
		len--;
	return rule_is_word(list, (const char *)p, len);
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

/* The fields of the signals are one after the other by kind, WIDTH characters each: from START of
 * those of one signal. */
static size_t field(const edf *e, size_t start, size_t width, size_t i)
{
	return 256 + start * e->signals + width * i;
}

/* The length of a record of samples of WIDE bytes, as the header says it; 0: it says something that
 * cannot be. */
static uint64_t record_bytes(const uint8_t *head, edf *e, uint32_t wide)
{
	uint64_t bytes = 0, n = 0;

	for (size_t i = 0; i < 4 * (size_t)e->signals; i++) /* what the least and the most is */
		if (!is_number(head + field(e, 104, 8, i), 8, NULL))
			return 0;
	for (size_t i = 0; i < e->signals; i++) {
		if (!is_number(head + field(e, 216, 8, i), 8, &n) || n == 0 || n > UINT32_MAX / 3)
			return 0;
		e->samples[i] = (uint32_t)n * wide;
		e->is_notes[i] =
			is_word("|EDF Annotations|BDF Annotations|", head + field(e, 0, 16, i), 16);
		bytes += e->samples[i];
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
	const size_t ranges = field(e, 104, 8, 0), samples = field(e, 216, 8, 0), n = e->signals;

	memset(clean, ' ', 256 * (n + 1));
	memcpy(clean, head, 8);
	memcpy(clean + 8, "X X X X", 7);
	memcpy(clean + 88, "Startdate X X X X", 17);
	memcpy(clean + 168, "01.01.8500.00.00", 16); /* the first day that there is */
	memcpy(clean + 184, head + 184, 8);
	if (is_word(kinds, head + 192, 16))
		memcpy(clean + 192, head + 192, 5);
	memcpy(clean + 236, head + 236, 20);
	memcpy(clean + ranges, head + ranges, 32 * n);
	memcpy(clean + samples, head + samples, 8 * n);
	for (size_t i = 0; i < n; i++) {
		const size_t label = field(e, 0, 16, i), unit = field(e, 96, 8, i);

		memcpy(clean + label, "Signal          ", 16);
		if (is_label(head + label))
			memcpy(clean + label, head + label, 16);
		if (is_word(units, head + unit, 8))
			memcpy(clean + unit, head + unit, 8);
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

/* HEAD: its first 256 bytes. */
static emr_withheld pour_edf(pour *to, const uint8_t *head, uint32_t wide)
{
	static edf e;
	static uint8_t clean[256 * (SIGNALS_MAX + 1)];
	uint64_t n, at, size, records;

	if (!is_number(head + 252, 4, &n) || n < 1 || n > SIGNALS_MAX ||
		!is_number(head + 244, 8, NULL) || !is_number(head + 236, 8, &records) ||
		!is_number(head + 184, 8, &size) || size != 256 * (n + 1))
		return EMR_WITHHELD_DAMAGED;
	e.signals = (uint32_t)n;
	at = size;
	head = flat_bytes(to->in, 0, (size_t)at);
	size = head != NULL ? record_bytes(head, &e, wide) : 0;
	if (size == 0 || records != (to->in->size - at) / size || (to->in->size - at) % size != 0)
		return EMR_WITHHELD_DAMAGED;
	clean_edf(head, &e, clean);
	put(to, clean, (size_t)at);
	for (uint64_t r = 0; r < records && to->status == EMR_OK && to->is_same; r++)
		for (size_t i = 0; i < e.signals; at += e.samples[i++])
			if (e.is_notes[i])
				put_notes(to, at, e.samples[i]);
			else
				put_same(to, at, e.samples[i]);
	return EMR_WITHHELD_NOT;
}

/* ---- all of them ---- */

static emr_withheld pour_genome(pour *to, const char *pseudonym, emr_copy_form *out_form)
{
	genome g;
	emr_bytes head;
	emr_withheld why = genome_read(to->in, &g);

	if (why == EMR_WITHHELD_NOT)
		why = genome_clean(&g, pseudonym, &head);
	if (why == EMR_WITHHELD_NOT && to->fd >= 0 && !bgzf_count(to->in))
		why = EMR_WITHHELD_DAMAGED;
	if (why != EMR_WITHHELD_NOT)
		return why;
	*out_form = g.form;
	put(to, head.data, head.len);
	put_same(to, g.body, to->in->size - g.body);
	return EMR_WITHHELD_NOT;
}

/* FILE: as it lies there. */
static emr_withheld pour_file(
	pour *to, flat_file *file, const headed_rules *rules, emr_copy_form *out_form)
{
	const bool is_packed = (to->in = bgzf_open(file, to->fd < 0)) != file;
	emr_withheld why = EMR_WITHHELD_NOT_DICOM;
	const uint8_t *p;
	nifti n;

	if (!is_packed)
		to->packed = NULL;
	*out_form = is_packed ? EMR_COPY_NIFTI_GZ : EMR_COPY_NIFTI;
	if ((rules->with & 1u << EMR_COPY_NIFTI) != 0 && is_nifti(to->in, &n))
		return bgzf_count(to->in) && is_nifti(to->in, &n)
			       ? pour_nifti(to, &n, rules->with_faces)
			       : EMR_WITHHELD_DAMAGED;
	if ((rules->with & 1u << EMR_COPY_VCF) != 0)
		why = pour_genome(to, rules->pseudonym, out_form);
	if (why == EMR_WITHHELD_NOT && *out_form == EMR_COPY_VCF && is_packed)
		*out_form = EMR_COPY_VCF_GZ;
	if (why != EMR_WITHHELD_NOT_DICOM)
		return why != EMR_WITHHELD_NOT || is_packed == (*out_form != EMR_COPY_VCF &&
								       *out_form != EMR_COPY_CRAM)
			       ? why
			       : EMR_WITHHELD_DAMAGED;
	p = (rules->with & 1u << EMR_COPY_EDF) != 0 && !is_packed ? flat_bytes(file, 0, 256) : NULL;
	if (p == NULL || (memcmp(p, "0       ", 8) != 0 && memcmp(p, "\377BIOSEMI", 8) != 0))
		return EMR_WITHHELD_NOT_DICOM;
	*out_form = p[0] == '0' ? EMR_COPY_EDF : EMR_COPY_BDF;
	return pour_edf(to, p, p[0] == '0' ? 2 : 3);
}

emr_status headed_copy(
	int in_fd, uint64_t size, int out_fd, const headed_rules *rules, emr_deidentified *out)
{
	static flat_file f;
	static bgzf_out packed;
	pour to = {.fd = out_fd, .packed = &packed, .is_same = true};
	emr_copy_form form;
	emr_withheld why;

	f = (flat_file){.fd = in_fd, .size = size};
	packed.fd = out_fd;
	packed.at = packed.len = 0;
	why = pour_file(&to, &f, rules, &form);
	if (why == EMR_WITHHELD_NOT && !to.is_same)
		why = EMR_WITHHELD_DAMAGED;
	if (why == EMR_WITHHELD_NOT && to.packed != NULL && to.status == EMR_OK)
		to.status = bgzf_put(&packed, packed.plain, 0, true);
	*out = (emr_deidentified){.withheld = why};
	if (why == EMR_WITHHELD_NOT)
		*out = (emr_deidentified){
			.form = form, .size = to.packed != NULL ? packed.at : to.at};
	return to.status;
}

emr_withheld headed_scan(flat_file *f, const headed_rules *rules)
{
	pour to = {.fd = -1, .is_same = true};
	emr_copy_form form;
	emr_withheld why = pour_file(&to, f, rules, &form);

	return why == EMR_WITHHELD_NOT && (!to.is_same || to.at != to.in->size)
		       ? EMR_WITHHELD_FOUND_AGAIN
		       : why;
}
