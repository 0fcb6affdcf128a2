/* Tests of file headers use this file: it puts small DICOM files together, byte by byte. */
#include "headers_kit.h"

#include "emr_test.h"

static void put(dicom *d, const void *data, size_t len)
{
	assert_ok(emr_buf_append(&d->bytes, data, len));
}

static void put_number(dicom *d, uint32_t number, int bytes)
{
	for (int i = 0; i < bytes; i++, number >>= 8)
		put(d, &(uint8_t){(uint8_t)number}, 1);
}

static void put_tag(dicom *d, uint32_t tag)
{
	put_number(d, tag >> 16, 2);
	put_number(d, tag & 0xffff, 2);
}

void dicom_begin(dicom *d, const char *syntax)
{
	bool is_implicit = d->is_implicit;

	assert_ok(emr_buf_append_zeros(&d->bytes, 128));
	put(d, "DICM", 4);
	d->is_implicit = false;
	dicom_text(d, 0x00020010, "UI", syntax);
	d->is_implicit = is_implicit;
}

void dicom_text(dicom *d, uint32_t tag, const char *vr, const char *value)
{
	size_t len = strlen(value), even = len + (len & 1);

	put_tag(d, tag);
	if (!d->is_implicit)
		put(d, vr, 2);
	put_number(d, (uint32_t)even, d->is_implicit ? 4 : 2);
	put(d, value, len);
	put(d, " ", even - len);
}

void dicom_sequence(dicom *d, uint32_t tag, bool has_length)
{
	dicom inner = {.is_implicit = d->is_implicit};

	dicom_text(&inner, 0x00080020, "DA", "19990101");
	put_tag(d, tag);
	if (!d->is_implicit)
		put(d, "SQ\0", 4);
	put_number(d, has_length ? (uint32_t)inner.bytes.len + 8 : 0xffffffff, 4);
	put_tag(d, 0xfffee000);
	put_number(d, has_length ? (uint32_t)inner.bytes.len : 0xffffffff, 4);
	put(d, inner.bytes.data, inner.bytes.len);
	if (!has_length) {
		put_tag(d, 0xfffee00d);
		put_number(d, 0, 4);
		put_tag(d, 0xfffee0dd);
		put_number(d, 0, 4);
	}
	emr_buf_free(&inner.bytes);
}
