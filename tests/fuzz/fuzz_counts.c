/* This fuzz target reads any bytes as the statement of a participant about a folder, as the table
 * that a steward makes of such statements, and as the sealed part: whatever decodes is encoded to
 * the same bytes, no figure of it is out of bounds, and no part opens. */
#include <sys/random.h>

#include "share/counts.h"
#include "share_input.h"

#define OP_DATASET_JOIN 0x54
#define PUB_BYTES 40

static void statement(emr_bytes bytes)
{
	uint8_t plain[EMR_COUNTS_PLAIN_BYTES] = {0}, again[EMR_COUNTS_PLAIN_BYTES];
	emr_counts counts;
	emr_counts_table table;

	memcpy(plain, bytes.data, bytes.len < sizeof plain ? bytes.len : sizeof plain);
	if (emr_counts_decode(plain, &counts) != EMR_OK)
		return;
	emr_counts_encode(&counts, again);
	if (memcmp(again, plain, sizeof plain) != 0)
		abort();
	emr_counts_sum(&counts, 1, &table); /* one is too few for a table */
	if (table.people != 0 || table.kinds[0].files != 0)
		abort();
}

static void table(emr_bytes bytes)
{
	const size_t salt = 32;
	EMR_AUTO_BUF again = {0};
	emr_counts_table read;

	if (emr_counts_table_decode(bytes, &read) != EMR_OK)
		return;
	if (emr_counts_table_encode(&read, &again) != EMR_OK || again.len != bytes.len ||
		memcmp(again.data + salt, bytes.data + salt, bytes.len - salt) != 0 ||
		read.people < EMR_COUNTS_FLOOR)
		abort();
}

/* A mutator sees what its bytes are compared with, and writes it there: the mark under a key that
 * stays would be found. */
static void sealed(emr_bytes bytes)
{
	uint8_t mark_key[EMR_COUNTS_MARK_KEY_BYTES];
	uint8_t pub[PUB_BYTES] = {0}, plain[EMR_COUNTS_PLAIN_BYTES] = {0};
	EMR_AUTO_BUF item = {0};
	emr_box_key *box = NULL;

	if (getrandom(mark_key, sizeof mark_key, 0) != (ssize_t)sizeof mark_key ||
		emr_box_key_new(&box) != EMR_OK)
		abort();
	share_input_item(OP_DATASET_JOIN, emr_bytes_of(pub, sizeof pub), bytes, &item);
	if (emr_counts_part_open(box, emr_buf_view(&item), bytes, plain) == EMR_OK ||
		emr_counts_part_says(bytes, mark_key, plain))
		abort();
	emr_box_key_free(box);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	share_input in = share_input_of(data, size);

	switch (in.which % 3) {
	case 0:
		statement(in.bytes);
		break;
	case 1:
		table(in.bytes);
		break;
	case 2:
		sealed(in.bytes);
		break;
	}
	return 0;
}
