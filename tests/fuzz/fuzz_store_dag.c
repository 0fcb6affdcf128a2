/* This fuzz target reads DAG-PB nodes, bundles and CIDs of strangers: whatever is accepted
 * encodes to the same bytes again. */
#include <stdint.h>
#include <stdlib.h>

#include "store/dag_pb.h"
#include "store/unixfs.h"

static void check(bool good)
{
	if (!good)
		abort();
}

static void node(emr_bytes input)
{
	emr_dag_pb_cursor cursor = emr_dag_pb_begin(input);
	emr_buf again = {0};
	emr_dag_pb_link link;
	emr_bytes end = {0};
	bool more = true;

	while (emr_dag_pb_next(&cursor, &more, &link, &end) == EMR_OK) {
		if (more) {
			check(emr_dag_pb_write_link(&again, &link.cid, link.name, link.tsize) ==
				EMR_OK);
			continue;
		}
		if (end.data != NULL)
			check(emr_dag_pb_write_data(&again, end) == EMR_OK);
		check(emr_bytes_equal(emr_buf_view(&again), input));
		break;
	}
	emr_buf_free(&again);
}

static void bundle(emr_bytes input)
{
	emr_unixfs_bundle found;
	emr_unixfs_link dir;
	emr_buf again = {0};

	if (emr_unixfs_bundle_decode(input, &found) != EMR_OK)
		return;
	check(emr_unixfs_bundle_encode(&found, &again, &dir) == EMR_OK);
	check(emr_bytes_equal(emr_buf_view(&again), input));
	emr_buf_free(&again);
}

static void cid(emr_bytes input)
{
	char text[EMR_CID_TEXT_CHARS + 1];
	char in[80] = {0};
	emr_cid found;

	if (emr_cid_parse(input, &found) == EMR_OK)
		check(memcmp(found.b, input.data, EMR_CID_BYTES) == 0);
	memcpy(in, input.data, input.len < sizeof in ? input.len : sizeof in - 1);
	if (emr_cid_parse_text(in, &found) == EMR_OK) {
		emr_cid_text(&found, text);
		check(strcmp(text, in) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_bytes input = emr_bytes_of(data, size);

	node(input);
	bundle(input);
	if (size > 0)
		cid(input);
	return 0;
}
