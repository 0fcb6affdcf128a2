/* This file decides which DICOM files research gets no copy of at all: kinds in which text, a name
 * or a face stands in the picture, or of which no rule knows that it does not. A file's words about
 * itself are taken as its device's word, and silence as a no. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"

/* ---- SOP classes (PS3.4 B.5, PS3.6 annex A) ---- */

typedef enum trust {
	TRUST_ORIGINAL, /* the device makes pictures without text, unless it says otherwise */
	TRUST_SAID,	/* only when it says that there is no text */
	TRUST_DATA,	/* pixels are numbers, not a picture */
} trust;

#define STORAGE "1.2.840.10008.5.1.4.1.1."

/* Kinds that may be copied: UIDs behind STORAGE, and their modalities. */
typedef struct allowed {
	const char *classes, *modalities;
	trust trust;
	bool may_show_face;
} allowed;

static const allowed allowed_classes[] = {{" 2 2.1 2.2 ", " CT ", TRUST_ORIGINAL, true},
	{" 4 4.1 4.3 4.4 ", " MR ", TRUST_ORIGINAL, true}, {" 20 ", " NM ", TRUST_ORIGINAL, false},
	{" 128 128.1 130 ", " PT ", TRUST_ORIGINAL, false}, {" 1 ", " CR ", TRUST_SAID, false},
	{" 1.1 1.1.1 ", " DX ", TRUST_SAID, false},
	{" 1.2 1.2.1 13.1.3 ", " MG ", TRUST_SAID, false},
	{" 1.3 1.3.1 ", " IO ", TRUST_SAID, false}, {" 66.4 ", " SEG ", TRUST_DATA, false},
	{" 30 ", " CT MR PT NM OT ", TRUST_DATA, false},
	{" 481.2 ", " RTDOSE ", TRUST_DATA, false}};

/* Kinds that may not: the first number of their UIDs behind STORAGE; and modalities, for classes
 * that nobody names here, and files whose class and modality disagree. */
static const struct {
	const char *classes, *modalities;
	emr_withheld why;
} refused[] = {{" 7 ", "", EMR_WITHHELD_SCREENSHOT},
	{" 3 6 12 13 14 77 ", " US IVUS XA RF ES XC OP SM GM ", EMR_WITHHELD_PHOTOGRAPH},
	{" 104 ", " DOC ", EMR_WITHHELD_DOCUMENT}, {" 88 ", " SR KO ", EMR_WITHHELD_REPORT},
	{" 11 ", " PR ", EMR_WITHHELD_PRESENTATION}, {" 9 ", " ECG ", EMR_WITHHELD_WAVEFORM},
	{" 481 ", " RTSTRUCT RTPLAN ", EMR_WITHHELD_TREATMENT}};

/* " CT MR " has CT. */
static bool is_among(const char *word, const char *list)
{
	char padded[80];

	if (word[0] == '\0' || strlen(word) > sizeof padded - 3 || strchr(word, ' ') != NULL)
		return false;
	sprintf(padded, " %s ", word);
	return strstr(list, padded) != NULL;
}

/* The part of UID behind STORAGE; "": it is another class. */
static const char *class_of(const char *uid)
{
	return strncmp(uid, STORAGE, strlen(STORAGE)) == 0 ? uid + strlen(STORAGE) : "";
}

static emr_withheld refuse_class(const char *uid, const char *modality)
{
	char first[EMR_DICOM_UID_SIZE];

	snprintf(first, sizeof first, "%.*s", (int)strcspn(class_of(uid), "."), class_of(uid));
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (is_among(first, refused[i].classes))
			return refused[i].why;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (is_among(modality, refused[i].modalities))
			return refused[i].why;
	return EMR_WITHHELD_UNKNOWN_KIND;
}

/* The value of a top-level code string or number, if the copy will have it, too; else nothing. */
static void text_that_stays(
	dicom *d, uint32_t tag, const emr_deidentify_rules *rules, char *out, size_t size)
{
	uint32_t i = dicom_find(d, 0, d->count, tag);

	dicom_text_of(d, tag, out, size);
	if (i == d->count || rule_for(&d->elements[i], 0, rules) != DEED_CHECK ||
		!rule_takes_text(tag, d->elements[i].vr, out))
		out[0] = '\0';
}

typedef enum word { WORD_NONE, WORD_NO, WORD_OTHER } word;

/* The value of a top-level element that knows YES and NO; a word that is neither is not believed.
 */
static word word_of(dicom *d, uint32_t tag)
{
	uint32_t i = dicom_find(d, 0, d->count, tag);
	char text[17];

	if (i == d->count || d->elements[i].len == 0)
		return WORD_NONE;
	dicom_text_of(d, tag, text, sizeof text);
	return strcmp(text, "NO") == 0 ? WORD_NO : WORD_OTHER;
}

/* ---- text in the picture ---- */

/* The first rule that says so of E; it reads what no copy has, too. */
static emr_withheld withhold_by(dicom *d, const element *e, const char *modality, const char *model)
{
	char text[1024], squeezed[sizeof text];
	const table_withheld *row;

	for (size_t i = 0; (row = dicom_withheld(i)) != NULL; i++) {
		if (row->tag != e->tag ||
			(row->modality[0] != '\0' && strcmp(row->modality, modality) != 0) ||
			!(row->model[0] == '\0' || dicom_has_word(row->model, model)))
			continue;
		dicom_text(d, e, text, sizeof text);
		dicom_squeeze(text, squeezed, sizeof squeezed);
		if (row->words[0] == '\0' || dicom_has_word(row->words, squeezed))
			return row->why;
	}
	return EMR_WITHHELD_NOT;
}

static emr_withheld withhold(dicom *d, const char *modality)
{
	char text[128], model[sizeof text];
	emr_withheld why = EMR_WITHHELD_NOT;

	dicom_text_of(d, 0x00081090, text, sizeof text);
	dicom_squeeze(text, model, sizeof model);
	for (uint32_t i = 0; i < d->count && why == EMR_WITHHELD_NOT; i++)
		why = withhold_by(d, &d->elements[i], modality, model);
	return why;
}

static bool is_type(const char *type, const char *words)
{
	const size_t len = strlen(words);

	return strncmp(type, words, len) == 0 && (type[len] == '\0' || type[len] == '\\');
}

/* A picture that is not the device's first is made from others, and may show anything. */
static emr_withheld look_for_text(dicom *d, trust how, const emr_deidentify_rules *rules)
{
	word burned = word_of(d, 0x00280301);
	char type[256];
	bool is_trusted;

	text_that_stays(d, 0x00080008, rules, type, sizeof type);
	is_trusted = is_type(type, "ORIGINAL\\PRIMARY") ||
		     (rules->with_derived && is_type(type, "DERIVED\\PRIMARY"));
	if (burned == WORD_NO)
		return EMR_WITHHELD_NOT;
	if (burned == WORD_OTHER || how == TRUST_SAID || (how == TRUST_ORIGINAL && !is_trusted))
		return EMR_WITHHELD_BURNED_IN;
	return EMR_WITHHELD_NOT;
}

/* Graphics of old files stand in bits of pixels that the image leaves unused. */
static bool has_graphics_in_pixels(dicom *d)
{
	for (uint32_t i = 0; i < d->count; i = d->elements[i].end) {
		const element *e = &d->elements[i];
		const uint8_t *p;

		if ((e->tag & 0xff00ffff) != 0x60000102)
			continue;
		p = e->kind == ELEMENT_VALUE && e->len == 2 ? flat_bytes(&d->in, e->at, 2) : NULL;
		if (p == NULL || dicom_u16(d, p) != 0)
			return true;
	}
	return false;
}

/* ---- faces ---- */

/* PS3.16 annex L.  Whatever is not here may be a head: neck, whole body, words of one's own. */
static const char body_without_head[] =
	" ABDOMEN ABDOMENPELVIS ADRENAL ANKLE AORTA ARM AXILLA BACK BLADDER BREAST BRONCHUS "
	"BUTTOCK "
	"CALCANEUS CALF CHEST CHESTABDOMEN CHESTABDPELVIS CLAVICLE COCCYX COLON DUODENUM ELBOW "
	"ESOPHAGUS EXTREMITY FEMUR FINGER FOOT FOREARM GALLBLADDER HAND HEART HIP HUMERUS ILEUM "
	"ILIUM "
	"JEJUNUM KIDNEY KNEE LEG LIVER LSPINE LSSPINE LUNG PANCREAS PATELLA PELVIS PROSTATE RECTUM "
	"RIB "
	"SCAPULA SHOULDER SIJOINT SPLEEN SSPINE STERNUM STOMACH THIGH THORAX THUMB TLSPINE TOE "
	"TSPINE "
	"UTERUS WRIST ";

bool kind_is_without_head(const char *part)
{
	return is_among(part, body_without_head);
}

#define FACE_MM 3.0

/* The thinnest that anything in the file says, at any depth; 0: nothing says it. */
static double thinnest_mm(dicom *d)
{
	double thinnest = 0;
	char text[32], *end;

	for (uint32_t i = 0; i < d->count; i++) {
		const element *e = &d->elements[i];
		double mm;

		if ((e->tag != 0x00180050 && e->tag != 0x00180088) || e->kind != ELEMENT_VALUE)
			continue;
		dicom_text(d, e, text, sizeof text);
		if (text[0] == '\0')
			continue;
		mm = strtod(text, &end);
		if (end == text || *end != '\0' || !(mm > 0))
			return 0;
		if (thinnest == 0 || mm < thinnest)
			thinnest = mm;
	}
	return thinnest;
}

static bool may_show_face(dicom *d, const emr_deidentify_rules *rules)
{
	char part[64];

	if (word_of(d, 0x00280302) == WORD_OTHER)
		return true;
	text_that_stays(d, 0x00180015, rules, part, sizeof part);
	return !kind_is_without_head(part) && thinnest_mm(d) < FACE_MM;
}

/* ---- all of it ---- */

emr_withheld kind_of(dicom *d, const emr_deidentify_rules *rules)
{
	char uid[EMR_DICOM_UID_SIZE], modality[17];
	const allowed *class = allowed_classes,
		      *end = class + sizeof allowed_classes / sizeof *class;
	emr_withheld why;

	if (dicom_find(d, 0, d->count, 0x00041220) < d->count)
		return EMR_WITHHELD_DIRECTORY; /* which has no SOP class of its own */
	dicom_text_of(d, 0x00080016, uid, sizeof uid);
	dicom_text_of(d, 0x00080060, modality, sizeof modality);
	while (class < end && !is_among(class_of(uid), class->classes))
		class ++;
	if (class == end || !is_among(modality, class->modalities))
		return refuse_class(class == end ? uid : "", modality);
	why = withhold(d, modality);
	if (why == EMR_WITHHELD_NOT)
		why = look_for_text(d, class->trust, rules);
	if (why != EMR_WITHHELD_NOT)
		return why;
	if (has_graphics_in_pixels(d))
		return EMR_WITHHELD_HIDDEN_GRAPHICS;
	if (class->may_show_face && !rules->with_faces && may_show_face(d, rules))
		return EMR_WITHHELD_FACE;
	return EMR_WITHHELD_NOT;
}
