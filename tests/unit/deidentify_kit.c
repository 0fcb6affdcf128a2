/* This kit makes DICOM files byte by byte, from the standard's tables and not from the writer's
 * code. */
#include "emr_test.h"

#include <sys/mman.h>

#include "check.h"
#include "scan.h"
#include "copy.h"
#include "deidentify_kit.h"

static void put_u16(made *m, uint16_t v)
{
	uint8_t little[] = {(uint8_t)v, (uint8_t)(v >> 8)}, big[] = {little[1], little[0]};

	assert_ok(emr_buf_append(&m->bytes, m->syntax == MADE_BIG ? big : little, 2));
}

static void put_u32(made *m, uint32_t v)
{
	put_u16(m, (uint16_t)(m->syntax == MADE_BIG ? v >> 16 : v));
	put_u16(m, (uint16_t)(m->syntax == MADE_BIG ? v : v >> 16));
}

void made_header(made *m, uint32_t tag, const char *vr, uint32_t len)
{
	put_u16(m, (uint16_t)(tag >> 16));
	put_u16(m, (uint16_t)tag);
	if (m->syntax == MADE_IMPLICIT || tag >> 16 == 0xfffe) {
		put_u32(m, len);
		return;
	}
	assert_ok(emr_buf_append(&m->bytes, vr, 2));
	if (strstr("OB OD OF OL OV OW SQ SV UC UN UR UT UV", vr) != NULL) {
		put_u16(m, 0);
		put_u32(m, len);
	} else {
		put_u16(m, (uint16_t)len);
	}
}

void made_bytes(made *m, uint32_t tag, const char *vr, const void *value, size_t len)
{
	made_header(m, tag, vr, (uint32_t)len);
	assert_ok(emr_buf_append(&m->bytes, value, len));
}

void made_text(made *m, uint32_t tag, const char *vr, const char *text)
{
	char padded[512];
	size_t len = strlen(text);

	assert_true(len + 1 < sizeof padded);
	memcpy(padded, text, len);
	padded[len] = strcmp(vr, "UI") == 0 ? '\0' : ' ';
	made_bytes(m, tag, vr, padded, len + (len & 1));
}

void made_u16(made *m, uint32_t tag, uint16_t value)
{
	made_header(m, tag, "US", 2);
	put_u16(m, value);
}

void made_item(made *m)
{
	made_header(m, 0xfffee000, "", 0xffffffff);
}

void made_item_end(made *m)
{
	made_header(m, 0xfffee00d, "", 0);
}

void made_sequence_end(made *m)
{
	made_header(m, 0xfffee0dd, "", 0);
}

void made_begin(made *m, made_syntax kind, const char *uid)
{
	static const char *const uids[] = {
		"1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"};
	char preamble[128];

	memset(preamble, 'P', sizeof preamble);
	*m = (made){.syntax = MADE_EXPLICIT};
	assert_ok(emr_buf_append(&m->bytes, preamble, sizeof preamble));
	assert_ok(emr_buf_append(&m->bytes, "DICM", 4));
	made_bytes(m, 0x00020001, "OB", "\0\1", 2);
	made_text(m, 0x00020010, "UI", uid != NULL ? uid : uids[kind]);
	made_text(m, 0x00020016, "AE", "MARKEDAET");
	m->syntax = kind;
}

void made_ct_08(made *m)
{
	made_text(m, 0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
	made_text(m, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2");
	made_text(m, 0x00080018, "UI", "1.2.276.7.19600229.1");
	made_text(m, 0x00080020, "DA", "20240119");
	made_text(m, 0x00080030, "TM", "235900.25");
	made_text(m, 0x00080060, "CS", "CT");
}

void made_ct_18(made *m)
{
	made_text(m, 0x00100010, "PN", "Marked^Ana");
	made_text(m, 0x00100020, "LO", "K7QF-4711");
	made_text(m, 0x00100030, "DA", "19600229");
	made_text(m, 0x00180015, "CS", "CHEST");
	made_text(m, 0x00180050, "DS", "5.0");
}

void made_ct_20(made *m)
{
	made_text(m, 0x0020000d, "UI", "1.2.276.7.19600229.2");
	made_text(m, 0x0020000e, "UI", "1.2.276.7.19600229.3");
	made_text(m, 0x00200013, "IS", "7");
}

void made_ct_28(made *m)
{
	made_u16(m, 0x00280002, 1);
	made_text(m, 0x00280004, "CS", "MONOCHROME2");
	made_u16(m, 0x00280010, 2);
	made_u16(m, 0x00280011, 2);
	made_u16(m, 0x00280100, 16);
	made_u16(m, 0x00280101, 12);
	made_u16(m, 0x00280102, 11);
	made_u16(m, 0x00280103, 0);
}

void made_ct_pixels(made *m)
{
	made_bytes(m, 0x7fe00010, "OW", "\1\2\3\4\5\6\7\10", 8);
}

void made_ct(made *m, made_syntax kind)
{
	made_begin(m, kind, NULL);
	made_ct_08(m);
	made_ct_18(m);
	made_ct_20(m);
	made_ct_28(m);
	made_ct_pixels(m);
}

int made_memory(emr_bytes bytes)
{
	int fd = memfd_create("made", MFD_CLOEXEC);

	assert_true(fd >= 0);
	if (bytes.len > 0)
		assert_int_equal(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
	return fd;
}

emr_withheld made_copy(const made *m, char person, const emr_deidentify_rules *rules, emr_buf *out)
{
	static const emr_deidentify_rules usual = {0};
	static flat_file file;
	uint8_t key[EMR_DEIDENTIFY_KEY_BYTES];
	emr_deidentified what;
	persona who;
	int in = made_memory(emr_buf_view(&m->bytes)), copy = made_memory(emr_bytes_of("", 0));

	memset(key, person, sizeof key);
	persona_begin(&who, key, printed("pseudonym%c", person));
	assert_ok(copy_file(in, m->bytes.len, copy, &who, rules != NULL ? rules : &usual, &what));
	emr_buf_clear(out);
	if (what.withheld == EMR_WITHHELD_NOT) {
		assert_ok(emr_buf_append_zeros(out, (size_t)what.size));
		assert_int_equal(pread(copy, out->data, out->len, 0), (ssize_t)out->len);
		what.withheld = check_dicom(
			in, m->bytes.len, copy, what.size, rules != NULL ? rules->with_private : 0);
		assert_true(what.withheld == EMR_WITHHELD_NOT ||
			    what.withheld == EMR_WITHHELD_HIDDEN_GRAPHICS);
		file = (flat_file){.fd = copy, .size = what.size};
		assert_string_equal(
			emr_withheld_text(scan_dicom(
				&file, &(protocol_look){.year = 2026,
					       .rules.without_dates =
						       rules != NULL && rules->without_dates,
					       .rules.with_characteristics =
						       rules != NULL && rules->with_characteristics,
					       .rules.with_private =
						       rules != NULL ? rules->with_private : 0})),
			what.withheld == EMR_WITHHELD_NOT ? "" : "found-again");
	}
	close(in);
	close(copy);
	return what.withheld;
}

bool made_has(emr_bytes bytes, const char *text)
{
	return memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
}

const char *made_value(emr_bytes bytes, uint32_t tag, const char *vr)
{
	static char value[512];
	uint8_t head[] = {(uint8_t)(tag >> 16), (uint8_t)(tag >> 24), (uint8_t)tag,
		(uint8_t)(tag >> 8), (uint8_t)vr[0], (uint8_t)vr[1]};
	const uint8_t *at = memmem(bytes.data, bytes.len, head, sizeof head);
	size_t len;

	if (at == NULL)
		return "none";
	len = (size_t)(at[6] | at[7] << 8);
	assert_true(len < sizeof value && at + 8 + len <= bytes.data + bytes.len);
	memcpy(value, at + 8, len);
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\0'))
		len--;
	value[len] = '\0';
	return value;
}

emr_buf made_copy_with(void (*add)(made *m), made_syntax kind, const emr_deidentify_rules *rules)
{
	emr_buf out = {0};
	made m;

	made_begin(&m, kind, NULL);
	made_ct_08(&m);
	add(&m);
	made_ct_18(&m);
	made_ct_20(&m);
	made_ct_28(&m);
	made_ct_pixels(&m);
	assert_string_equal(emr_withheld_text(made_copy(&m, 'a', rules, &out)), "");
	emr_buf_free(&m.bytes);
	return out;
}
