/* This file holds the tables of DICOM as arrays, and looks up in them what an element may be in
 * a copy. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

static const table_row rows[] = {
#include "table_rows.inc"
};

static const char *const uids[] = {
#include "table_uids.inc"
};

static const table_withheld withheld[] = {
#include "table_withheld.inc"
};

static const table_private privates[] = {
#include "table_private.inc"
};

static const syntax syntaxes[] = {{"1.2.840.10008.1.2", PIXELS_NATIVE, true, false},
	{"1.2.840.10008.1.2.1", PIXELS_NATIVE, false, false},
	{"1.2.840.10008.1.2.2", PIXELS_NATIVE, false, true},
	{"1.2.840.10008.1.2.5", PIXELS_RLE, false, false},
	{"1.2.840.10008.1.2.4.50", PIXELS_JPEG, false, false},
	{"1.2.840.10008.1.2.4.51", PIXELS_JPEG, false, false},
	{"1.2.840.10008.1.2.4.57", PIXELS_JPEG, false, false},
	{"1.2.840.10008.1.2.4.70", PIXELS_JPEG, false, false},
	{"1.2.840.10008.1.2.4.80", PIXELS_JPEG_LS, false, false},
	{"1.2.840.10008.1.2.4.81", PIXELS_JPEG_LS, false, false},
	{"1.2.840.10008.1.2.4.90", PIXELS_J2K, false, false},
	{"1.2.840.10008.1.2.4.91", PIXELS_J2K, false, false},
	{"1.2.840.10008.1.2.4.201", PIXELS_J2K, false, false},
	{"1.2.840.10008.1.2.4.202", PIXELS_J2K, false, false},
	{"1.2.840.10008.1.2.4.203", PIXELS_J2K, false, false}};

const syntax *dicom_syntax(const char *uid)
{
	for (size_t i = 0; i < sizeof syntaxes / sizeof *syntaxes; i++)
		if (strcmp(syntaxes[i].uid, uid) == 0)
			return &syntaxes[i];
	return NULL;
}

static int compare_row(const void *key, const void *row)
{
	uint32_t tag = *(const uint32_t *)key, other = ((const table_row *)row)->tag;

	return tag < other ? -1 : tag > other;
}

const table_row *dicom_row(uint32_t tag)
{
	return bsearch(&tag, rows, sizeof rows / sizeof *rows, sizeof *rows, compare_row);
}

bool dicom_has_vr(const char *vrs, const char vr[2])
{
	for (; vrs[0] != '\0'; vrs += 2)
		if (memcmp(vrs, vr, 2) == 0)
			return true;
	return false;
}

bool dicom_row_has_vr(const table_row *row, const char vr[2])
{
	return dicom_has_vr(row->vrs, vr);
}

static int compare_uid(const void *key, const void *uid)
{
	return strcmp(key, *(const char *const *)uid);
}

bool dicom_uid_is_registered(const char *uid)
{
	return bsearch(uid, uids, sizeof uids / sizeof *uids, sizeof *uids, compare_uid) != NULL;
}

/* ---- private elements ---- */

bool dicom_note_creator(table_blocks *blocks, uint32_t tag, const char *text)
{
	uint32_t number = tag & 0xffff;
	const char *creator = NULL;

	if (blocks->group != tag >> 16)
		*blocks = (table_blocks){.group = tag >> 16};
	if (number < 0x10 || number > 0xff)
		return false;
	for (size_t i = 0; i < sizeof privates / sizeof *privates && creator == NULL; i++)
		if (privates[i].tag >> 16 == tag >> 16 && strcmp(privates[i].creator, text) == 0)
			creator = privates[i].creator;
	blocks->creators[number] = creator;
	return creator != NULL;
}

const table_private *dicom_private(const table_blocks *blocks, uint32_t tag, unsigned with)
{
	const char *creator = blocks->group == tag >> 16 ? blocks->creators[tag >> 8 & 0xff] : NULL;

	for (size_t i = 0; i < sizeof privates / sizeof *privates && creator != NULL; i++)
		if (privates[i].tag == (tag & 0xffff00ff) && (privates[i].reason & with) != 0 &&
			strcmp(privates[i].creator, creator) == 0)
			return &privates[i];
	return NULL;
}

bool dicom_private_is_text(const table_private *row)
{
	return dicom_has_vr("ISDSCS", row->vr);
}

bool dicom_private_fits(const table_private *row, uint32_t len)
{
	uint32_t size = dicom_has_vr("USSS", row->vr) ? 2 : dicom_has_vr("FD", row->vr) ? 8 : 4;

	if (dicom_private_is_text(row)) /* sixteen characters each, and what parts them */
		return len > 0 && len <= 17u * row->most;
	return len > 0 && len % size == 0 && len / size <= row->most;
}

/* Texts without a row in the table that pictures need.  Their words are these and no others. */
static const struct {
	uint32_t tag;
	const char *words; /* each between two bars */
} worded[] = {
	/* physics differ by maker; the name of a model, or a text in this place, may be anything */
	{0x00080070,
		"|AGFA|AGFA HEALTHCARE|CANON|CANON MEDICAL SYSTEMS|CANON_MEC|CARESTREAM HEALTH|"
		"ELEKTA|ELSCINT|FUJIFILM|FUJIFILM CORPORATION|GE|GE HEALTHCARE|GE MEDICAL SYSTEMS|"
		"HITACHI|HITACHI MEDICAL CORPORATION|HOLOGIC|HOLOGIC, INC.|KONICA MINOLTA|MARCONI|"
		"MEDISO|NEUSOFT|NEUSOFT MEDICAL SYSTEMS|PHILIPS|PHILIPS HEALTHCARE|"
		"PHILIPS MEDICAL SYSTEMS|PICKER|SAMSUNG|SHIMADZU|SIEMENS|SIEMENS HEALTHCARE GMBH|"
		"SIEMENS HEALTHINEERS|TOSHIBA|TOSHIBA_MEC|TOSHIBA MEDICAL SYSTEMS|UIH|VARIAN|"
		"VARIAN MEDICAL SYSTEMS|"},
	/* what a number in the picture means */
	{0x00281054, "|HU|US|OD|HGML|Z_EFF|ED|EDW|HU_MOD|PCT|BQML|GML|CNTS|"},
	{0x00283004, "|HU|US|OD|HGML|Z_EFF|ED|EDW|HU_MOD|PCT|"},
	{0x00180085, "|1H|3HE|7LI|13C|19F|23NA|31P|129XE|"},
};

const char *dicom_words(uint32_t tag)
{
	for (size_t i = 0; i < sizeof worded / sizeof *worded; i++)
		if (worded[i].tag == tag)
			return worded[i].words;
	return NULL;
}

bool dicom_is_among(const uint32_t *tags, size_t n, uint32_t tag)
{
	for (size_t i = 0; i < n; i++)
		if (tags[i] == tag)
			return true;
	return false;
}

bool dicom_is_of_visit(uint32_t tag)
{
	static const uint32_t tags[] = {/* study, series, acquisition, content */
		0x00080020, 0x00080021, 0x00080022, 0x00080023, 0x0008002a, 0x00080030, 0x00080031,
		0x00080032, 0x00080033, 0x00189074, 0x00189151, 0x00189516, 0x00189517, 0x00189623,
		/* what was given, and what its decay is counted from */
		0x00180027, 0x00180035, 0x00181042, 0x00181043, 0x00181072, 0x00181073, 0x00181078,
		0x00181079, 0x00189701};

	return DICOM_IS_AMONG(tags, tag);
}

bool dicom_is_left_out(uint32_t tag)
{
	static const uint32_t tags[] = {
		/* Tables of colours and of grey levels have room for any text. A picture that needs
		 * one is withheld (table_withheld.inc). */
		0x00281101, 0x00281102, 0x00281103, 0x00283002, 0x00283006, 0x00283010,
		/* The day of a printed list of codes, and which list it is. */
		0x00080105, 0x00080106, 0x00080107, 0x0008010b, 0x0008010d, 0x0008010f, 0x00080117,
		0x00080118};

	return DICOM_IS_AMONG(tags, tag);
}

/* ---- what is withheld ---- */

void dicom_squeeze(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < size; text++) {
		bool is_small = *text >= 'a' && *text <= 'z';

		if (is_small || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9'))
			out[n++] = is_small ? (char)(*text - 'a' + 'A') : *text;
	}
	out[n] = '\0';
}

bool dicom_has_word(const char *words, const char *squeezed)
{
	for (size_t len; *words != '\0'; words += len + (words[len] == '|')) {
		len = strcspn(words, "|");
		if (memmem(squeezed, strlen(squeezed), words, len) != NULL)
			return true;
	}
	return false;
}

const table_withheld *dicom_withheld(size_t i)
{
	return i < sizeof withheld / sizeof *withheld ? &withheld[i] : NULL;
}
