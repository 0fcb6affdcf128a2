/* This file has one compressed image decoded, by OpenJPEG (JPEG 2000), CharLS (JPEG-LS) or
 * lossless.c, and looks at all samples. It runs in a helper alone: a codestream that takes its
 * decoder over meets the sandbox. */
#include "decode.h"

#include <charls/charls.h>
#include <openjpeg.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

#define SAMPLES_MAX (UINT64_C(1) << 25)	    /* four bytes each, twice */
#define SAMPLES_FEW (UINT64_C(1) << 20)	    /* whatever they are coded in */
#define SAMPLES_OF_BYTE (UINT64_C(1) << 12) /* of a coded one; an empty picture has fewer */

/* ---- JPEG-LS ---- */

static bool decode_ls(const uint8_t *p, size_t len, decoded *to)
{
	charls_jpegls_decoder *decoder = charls_jpegls_decoder_create();
	charls_frame_info frame = {0};
	uint8_t *samples = NULL;
	size_t size = 0, bytes;
	bool is_whole =
		decoder != NULL && charls_jpegls_decoder_set_source_buffer(decoder, p, len) == 0 &&
		charls_jpegls_decoder_read_header(decoder) == 0 &&
		charls_jpegls_decoder_get_frame_info(decoder, &frame) == 0 &&
		frame.bits_per_sample >= (int32_t)to->stored && frame.bits_per_sample <= 16 &&
		frame.component_count >= 1 &&
		decoded_is_size(to, frame.height, frame.width, (uint64_t)frame.component_count) &&
		charls_jpegls_decoder_get_destination_size(decoder, 0, &size) == 0 &&
		(samples = malloc(size)) != NULL &&
		charls_jpegls_decoder_decode_to_buffer(decoder, samples, size, 0) == 0;

	bytes = frame.bits_per_sample > 8 ? 2 : 1;
	for (size_t i = 0; is_whole && i + bytes <= size; i += bytes) {
		uint16_t v = samples[i];

		memcpy(&v, samples + i, bytes); /* as this computer has numbers */
		decoded_take(to, v, (uint32_t)frame.bits_per_sample);
	}
	free(samples);
	charls_jpegls_decoder_destroy(decoder);
	return is_whole;
}

/* ---- JPEG 2000, read from its beginning to its end: nothing is sought ---- */

static OPJ_SIZE_T read_codestream(void *out, OPJ_SIZE_T len, void *arg)
{
	emr_reader *from = arg;
	size_t n = len < from->left ? len : from->left;

	if (n == 0)
		return (OPJ_SIZE_T)-1;
	emr_read_copy(from, out, n);
	return n;
}

static bool look_at_j2k(opj_stream_t *stream, opj_codec_t *codec, decoded *to)
{
	opj_dparameters_t parameters;
	opj_image_t *image = NULL;
	bool is_whole;

	opj_set_default_decoder_parameters(&parameters);
	is_whole = opj_setup_decoder(codec, &parameters) &&
		   opj_read_header(stream, codec, &image) && image->x1 > image->x0 &&
		   image->y1 > image->y0 && image->numcomps >= 1 &&
		   decoded_is_size(
			   to, image->y1 - image->y0, image->x1 - image->x0, image->numcomps) &&
		   opj_decode(codec, stream, image) && opj_end_decompress(codec, stream);
	for (uint32_t i = 0; is_whole && i < image->numcomps; i++) {
		const opj_image_comp_t *c = &image->comps[i];

		is_whole = c->data != NULL && c->prec <= 16 && c->prec >= to->stored;
		for (size_t k = 0; is_whole && k < (size_t)c->w * c->h; k++)
			decoded_take(to, (uint32_t)c->data[k] & ((1u << c->prec) - 1), c->prec);
	}
	opj_image_destroy(image);
	return is_whole;
}

static bool decode_j2k(const uint8_t *p, size_t len, decoded *to)
{
	emr_reader from = emr_reader_of(emr_bytes_of(p, len));
	opj_stream_t *stream = opj_stream_default_create(OPJ_TRUE);
	opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_J2K);
	bool is_whole = false;

	if (stream != NULL && codec != NULL) {
		opj_stream_set_user_data(stream, &from, NULL);
		opj_stream_set_user_data_length(stream, len);
		opj_stream_set_read_function(stream, read_codestream);
		is_whole = look_at_j2k(stream, codec, to);
	}
	opj_destroy_codec(codec);
	opj_stream_destroy(stream);
	return is_whole;
}

/* ---- all of them ---- */

bool decoded_fits(
	syntax_pixels codec, const uint8_t *p, size_t len, uint32_t stored, bool is_signed)
{
	const uint64_t most = SAMPLES_FEW + len * SAMPLES_OF_BYTE;
	decoded seen = {.stored = stored, .samples_max = most < SAMPLES_MAX ? most : SAMPLES_MAX};
	bool is_whole;

	if (stored < 1 || stored > 16)
		return false;
	is_whole = codec == PIXELS_JPEG	     ? lossless_decode(p, len, &seen)
		   : codec == PIXELS_JPEG_LS ? decode_ls(p, len, &seen)
					     : decode_j2k(p, len, &seen);
	return is_whole && (!seen.has_more || (is_signed && !seen.is_odd));
}
