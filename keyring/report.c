/* This file makes and opens what readers tell the owner: the report of what was opened
 * (READ_REPORT), and why it must be opened in an emergency (EMERGENCY). It refuses a part beside
 * another item than its own. */
#include "keyring/access.h"

#include <stdlib.h>
#include <string.h>

#include "letters_private.h"

#define INFO "emrfs/v1/report"
#define ROW_BYTES 72
#define FLAG_WHOLE 1u
#define FLAG_REFUSED 2u
#define PURPOSES 9

static bool row_ok(const emr_report_row *row)
{
	return row->purpose < PURPOSES && row->version > 0 && row->first <= row->last &&
	       (row->reader == EMR_READER_SOFTWARE ||
		       (row->reader == EMR_READER_PERSON && emr_id16_is_zero(row->program)));
}

emr_status emr_report_encode(const emr_report_row *rows, size_t n, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	if (n > EMR_REPORT_ROWS_MAX)
		return EMR_LIMIT;
	emr_write_u16(&w, (uint16_t)n);
	for (size_t i = 0; i < n; i++) {
		const emr_report_row *row = &rows[i];

		if (!row_ok(row))
			return EMR_INVALID;
		emr_write_bytes(&w, row->object_id.b, 16);
		emr_write_u64(&w, row->version);
		emr_write_u64(&w, row->first);
		emr_write_u64(&w, row->last);
		emr_write_u32(&w, row->opens);
		emr_write_u8(&w, (uint8_t)row->reader);
		emr_write_u8(&w, row->purpose);
		emr_write_u16(&w, (uint16_t)((row->whole ? FLAG_WHOLE : 0) |
					     (row->refused ? FLAG_REFUSED : 0)));
		emr_write_u64(&w, row->bytes);
		emr_write_bytes(&w, row->program.b, 16);
	}
	return w.status;
}

static bool read_row(emr_reader *r, emr_report_row *row)
{
	unsigned flags;

	emr_read_copy(r, row->object_id.b, 16);
	row->version = emr_read_u64(r);
	row->first = emr_read_u64(r);
	row->last = emr_read_u64(r);
	row->opens = emr_read_u32(r);
	row->reader = emr_read_u8(r);
	row->purpose = emr_read_u8(r);
	flags = emr_read_u16(r);
	row->whole = (flags & FLAG_WHOLE) != 0;
	row->refused = (flags & FLAG_REFUSED) != 0;
	row->bytes = emr_read_u64(r);
	emr_read_copy(r, row->program.b, 16);
	return !r->bad && (flags & ~(FLAG_WHOLE | FLAG_REFUSED)) == 0 && row_ok(row);
}

emr_status emr_report_decode(emr_bytes plain, emr_report_row **out_rows, size_t *out_n)
{
	emr_reader r = emr_reader_of(plain);
	size_t n = emr_read_u16(&r);
	emr_report_row *rows;

	if (r.bad || n < 1 || n > EMR_REPORT_ROWS_MAX || r.left != n * ROW_BYTES)
		return EMR_DAMAGED;
	rows = calloc(n, sizeof *rows);
	if (rows == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		if (!read_row(&r, &rows[i])) {
			free(rows);
			return EMR_DAMAGED;
		}
	}
	*out_rows = rows;
	*out_n = n;
	return EMR_OK;
}

emr_status emr_report_part_seal(emr_bytes report_item, const uint8_t owner_box[32],
	const emr_report_row *rows, size_t n, emr_buf *out_part)
{
	EMR_AUTO_BUF plain = {0};
	EMR_AUTO_BUF part = {0};
	emr_writer w = emr_writer_of(&part);
	emr_part_item item;
	emr_status status = emr_part_item_read(report_item, EMR_PART_READ_REPORT, &item);

	if (status != EMR_OK || n < 1)
		return EMR_INVALID;
	EMR_TRY(emr_report_encode(rows, n, &plain));
	emr_part_write_salt(&w);
	EMR_TRY(emr_part_letter_seal(
		&item, INFO, (emr_bytes){0}, owner_box, emr_buf_view(&plain), &w));
	return emr_buf_append(out_part, part.data, part.len);
}

emr_status emr_report_part_open(const emr_box_key *domain_box, emr_bytes report_item,
	emr_bytes part, emr_report_row **out_rows, size_t *out_n)
{
	EMR_AUTO_BUF plain = {0};
	emr_part_item item;
	emr_reader r;
	emr_bytes letter;

	EMR_TRY(emr_part_open(report_item, EMR_PART_READ_REPORT, part, &item, &r));
	letter = emr_read_bytes(&r, r.left);
	if (letter.len < EMR_LETTER_OVERHEAD + 2 + ROW_BYTES ||
		letter.len > EMR_LETTER_OVERHEAD + 2 + EMR_REPORT_ROWS_MAX * ROW_BYTES)
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_append_zeros(&plain, letter.len - EMR_LETTER_OVERHEAD));
	EMR_TRY(emr_part_letter_open(&item, INFO, (emr_bytes){0}, domain_box, letter, plain.data));
	return emr_report_decode(emr_buf_view(&plain), out_rows, out_n);
}

/* ---- an emergency ---- */

#define EMERGENCY_INFO "emrfs/v1/emergency"
#define REASON_BYTES 512 /* with zeros behind it: its length says nothing */

emr_status emr_emergency_part_seal(
	emr_bytes item, const uint8_t owner_box[32], const char *reason, emr_buf *out_part)
{
	EMR_AUTO_BUF part = {0};
	emr_writer w = emr_writer_of(&part);
	uint8_t plain[REASON_BYTES] = {0};
	const size_t len = strlen(reason);
	emr_part_item read;

	if (len == 0 || len > EMR_EMERGENCY_REASON_MAX || !emr_text_ok(reason, len))
		return EMR_INVALID;
	EMR_TRY(emr_part_item_read(item, EMR_PART_EMERGENCY, &read));
	memcpy(plain, reason, len);
	emr_part_write_salt(&w);
	EMR_TRY(emr_part_letter_seal(&read, EMERGENCY_INFO, (emr_bytes){0}, owner_box,
		emr_bytes_of(plain, sizeof plain), &w));
	return emr_buf_append(out_part, part.data, part.len);
}

emr_status emr_emergency_part_open(const emr_box_key *domain_box, emr_bytes item, emr_bytes part,
	char out_reason[EMR_EMERGENCY_REASON_MAX + 1])
{
	uint8_t plain[REASON_BYTES];
	emr_part_item read;
	emr_bytes letter;
	emr_reader r;
	size_t len;

	EMR_TRY(emr_part_open(item, EMR_PART_EMERGENCY, part, &read, &r));
	letter = emr_read_bytes(&r, r.left);
	if (letter.len != REASON_BYTES + EMR_LETTER_OVERHEAD)
		return EMR_DAMAGED;
	EMR_TRY(emr_part_letter_open(
		&read, EMERGENCY_INFO, (emr_bytes){0}, domain_box, letter, plain));
	len = strnlen((const char *)plain, sizeof plain);
	if (len == 0 || len > EMR_EMERGENCY_REASON_MAX || !emr_text_ok((const char *)plain, len))
		return EMR_DAMAGED;
	memcpy(out_reason, plain, len);
	out_reason[len] = '\0';
	return EMR_OK;
}
