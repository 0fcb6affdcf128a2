/* This file reads PEM as Go's encoding/pem does, because Fabric's peers and the contract read
 * certificates with it: the first block that is one, by whatever label, behind whatever else.
 * OpenSSL wants a label that it knows, and refuses other things; somebody who found a text that
 * only one of the two reads would part a reader of blocks from the peers.
 *
 * Source: Go 1.26, src/encoding/pem/pem.go (Decode) and src/encoding/base64/base64.go. */
#include <openssl/x509.h>
#include <string.h>

#include "gateway_private.h"

static const char begin_mark[] = "-----BEGIN ", end_mark[] = "\n-----END ", dashes[] = "-----";

#define BEGIN_LEN (sizeof begin_mark - 1)
#define END_LEN (sizeof end_mark - 1)
#define DASHES_LEN (sizeof dashes - 1)

static emr_bytes behind(emr_bytes text, size_t n)
{
	return emr_bytes_of(text.data + n, text.len - n);
}

/* The first line without its end and the blanks before that; *TEXT begins behind it then. */
static emr_bytes take_line(emr_bytes *text)
{
	const uint8_t *end = text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;
	size_t n = end != NULL ? (size_t)(end - text->data) : text->len;
	emr_bytes line = emr_bytes_of(text->data, n);

	*text = behind(*text, end != NULL ? n + 1 : n);
	if (end != NULL && line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	while (line.len > 0 && (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t'))
		line.len--;
	return line;
}

static bool begins_with(emr_bytes text, const void *mark, size_t len)
{
	return text.len >= len && (len == 0 || memcmp(text.data, mark, len) == 0);
}

static int value_of(uint8_t c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Blanks and ends of lines may stand anywhere; bits that are left over do not matter.  EMR_DAMAGED.
 */
static emr_status decode_base64(emr_bytes text, emr_buf *out)
{
	uint32_t bits = 0;
	unsigned n = 0, pads = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i], bytes[3];
		int value = value_of(c);

		if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
			continue;
		if ((c == '=' ? n < 2 : value < 0 || pads > 0) || n + pads == 4)
			return EMR_DAMAGED;
		if (c == '=')
			pads++;
		else
			n++;
		bits = bits << 6 | (c == '=' ? 0 : (uint32_t)value);
		if (n + pads < 4)
			continue;
		bytes[0] = (uint8_t)(bits >> 16);
		bytes[1] = (uint8_t)(bits >> 8);
		bytes[2] = (uint8_t)bits;
		EMR_TRY(emr_buf_append(out, bytes, 3 - pads));
		if (pads == 0)
			n = 0;
	}
	return n == 0 || n + pads == 4 ? EMR_OK : EMR_DAMAGED;
}

/* Where the last BEGIN before the first END of TEXT stands, at the beginning of a line; false:
 * nowhere. */
static bool find_begin(emr_bytes text, size_t end, size_t *out_at)
{
	for (size_t at = end; at-- > 0;)
		if (begins_with(emr_bytes_of(text.data + at, end - at), begin_mark, BEGIN_LEN)) {
			*out_at = at;
			return at == 0 || text.data[at - 1] == '\n';
		}
	return false;
}

/* TEXT stands behind "-----BEGIN ", and END bytes on is the first END.  EMR_NOT_FOUND: it is no
 * block, another one may follow behind that END.  EMR_DAMAGED: nor does one. */
static emr_status decode_block(emr_bytes text, size_t end, emr_buf *out)
{
	const uint8_t *mark = text.data + end;
	emr_bytes label = take_line(&text), next = text, line, last;
	bool has_headers = false;
	emr_status status = EMR_OK;

	if (label.len < DASHES_LEN ||
		memcmp(label.data + label.len - DASHES_LEN, dashes, DASHES_LEN) != 0)
		return EMR_NOT_FOUND;
	for (;;) {
		if (next.len == 0)
			return EMR_DAMAGED;
		line = take_line(&next);
		if (line.len == 0 || memchr(line.data, ':', line.len) == NULL)
			break;
		has_headers = true;
		text = next;
	}
	if (has_headers && mark < text.data)
		return text.data > mark + END_LEN ? EMR_DAMAGED : EMR_NOT_FOUND;
	/* The label again, the dashes, and nothing else on that line.  The END of a block without
	 * anything in it begins with the line feed of its first line. */
	last = emr_bytes_of(mark + END_LEN, (size_t)(text.data + text.len - (mark + END_LEN)));
	if (!begins_with(last, label.data, label.len) || take_line(&last).len != label.len)
		return EMR_NOT_FOUND;
	emr_buf_clear(out);
	if (mark > text.data)
		status = decode_base64(emr_bytes_of(text.data, (size_t)(mark - text.data)), out);
	if (status != EMR_DAMAGED)
		return status;
	emr_buf_clear(out);
	return EMR_NOT_FOUND;
}

emr_status pem_decode(emr_bytes text, emr_buf *out)
{
	for (;;) {
		const uint8_t *mark =
			text.len > 0 ? memmem(text.data, text.len, end_mark, END_LEN) : NULL;
		size_t end = mark != NULL ? (size_t)(mark - text.data) : 0, begin = 0;
		emr_status status = EMR_NOT_FOUND;

		if (mark == NULL)
			return EMR_NOT_FOUND;
		if (find_begin(text, end, &begin))
			status = decode_block(
				behind(text, begin + BEGIN_LEN), end - begin - BEGIN_LEN, out);
		if (status != EMR_NOT_FOUND)
			return status == EMR_DAMAGED ? EMR_NOT_FOUND : status;
		text = behind(text, end + END_LEN);
	}
}

X509 *gateway_certificate_of(emr_bytes pem)
{
	EMR_AUTO_BUF der = {0};
	const uint8_t *at;
	X509 *certificate;

	if (pem_decode(pem, &der) != EMR_OK || der.len == 0)
		return NULL;
	at = der.data;
	certificate = d2i_X509(NULL, &at, (long)der.len);
	if (certificate != NULL && at == der.data + der.len)
		return certificate;
	X509_free(certificate);
	return NULL;
}
