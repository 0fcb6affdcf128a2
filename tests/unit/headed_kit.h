/* These functions make and look at copies of files with a header, plain and packed, for the tests
 * of them. */
#pragma once

#include "emr_test.h"

#include "bgzf.h"
#include "deidentify_kit.h"
#include "headed.h"
#include "scan.h"

#define ALL (1u << EMR_COPY_NIFTI | 1u << EMR_COPY_EDF | 1u << EMR_COPY_VCF)
#define PSEUDONYM "k7pseudonym2"

static inline emr_withheld scan_bytes(emr_bytes bytes, unsigned with)
{
	static flat_file f;
	int fd = made_memory(bytes);
	emr_withheld why;

	f = (flat_file){.fd = fd, .size = bytes.len, .ahead = PROTOCOL_PIECE}; /* as the helper */
	why = scan_file(
		&f, &(protocol_look){
			    .year = 2026, .rules.with_formats = with, .rules.with_faces = true});
	close(fd);
	return why;
}

/* The copy of FILE, which the checker and the scan pass, or why there is none. */
static inline const char *copied(emr_bytes file, bool with_faces, emr_buf *out)
{
	int in = made_memory(file), copy = made_memory(emr_bytes_of("", 0));
	emr_deidentified what;

	assert_ok(headed_copy(
		in, file.len, copy, &(headed_rules){ALL, with_faces, PSEUDONYM}, &what));
	emr_buf_clear(out);
	if (what.withheld == EMR_WITHHELD_NOT) {
		assert_ok(emr_buf_append_zeros(out, (size_t)what.size));
		assert_int_equal(pread(copy, out->data, out->len, 0), (ssize_t)out->len);
		assert_int_equal(headed_check(in, file.len, copy, out->len), EMR_WITHHELD_NOT);
		assert_int_equal(scan_bytes(emr_buf_view(out), ALL), EMR_WITHHELD_NOT);
		assert_int_equal(scan_bytes(emr_buf_view(out), 0), EMR_WITHHELD_NOT_DICOM);
		assert_false(made_has(emr_buf_view(out), "Silva"));
		assert_false(made_has(emr_buf_view(out), "4711"));
	}
	close(in);
	close(copy);
	return emr_withheld_text(what.withheld);
}

/* BYTES as gzip, or (FLAGS 4) as blocks of BGZF with no more than LEAST bytes each. */
static inline void packed(emr_bytes bytes, size_t least, bool is_bgzf, emr_buf *out)
{
	emr_buf_clear(out);
	for (size_t at = 0, n; at <= bytes.len; at += n > 0 ? n : 1) {
		uint8_t extra[] = {'B', 'C', 2, 0, 0, 0}, block[70000];
		gz_header head = {.extra = extra, .extra_len = 6, .os = 255};
		z_stream z = {.next_in = (uint8_t *)(uintptr_t)bytes.data + at};

		n = bytes.len - at < least ? bytes.len - at : least;
		z.avail_in = (uInt)n;
		z.next_out = block;
		z.avail_out = sizeof block;
		if (!is_bgzf) {
			head.extra = NULL;
			head.name = (uint8_t *)(uintptr_t) "Silva^Ana.nii";
			head.comment = (uint8_t *)(uintptr_t) "4711";
		}
		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
		assert_int_equal(deflateSetHeader(&z, &head), Z_OK);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		if (is_bgzf) {
			block[16] = (uint8_t)(z.total_out - 1);
			block[17] = (uint8_t)((z.total_out - 1) >> 8);
		}
		assert_ok(emr_buf_append(out, block, z.total_out));
		assert_int_equal(deflateEnd(&z), Z_OK);
	}
}

static inline void unpacked(emr_bytes bytes, emr_buf *out)
{
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)bytes.data, .avail_in = (uInt)bytes.len};
	static uint8_t plain[400000];

	emr_buf_clear(out);
	assert_int_equal(inflateInit2(&z, 31), Z_OK);
	while (z.avail_in > 0) {
		z.next_out = plain;
		z.avail_out = sizeof plain;
		assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
		assert_ok(emr_buf_append(out, plain, sizeof plain - z.avail_out));
		assert_int_equal(inflateReset(&z), Z_OK);
	}
	assert_int_equal(inflateEnd(&z), Z_OK);
}
