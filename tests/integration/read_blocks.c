/* read_blocks STATE CID WRITER: as a process of the member with that state would, reads the block
 * CID and everything below it from his network's blocks, checks every hash, and prints how many
 * there were and how many of them stand in segments of WRITER. */
#include <stdio.h>
#include <string.h>

#include "store/car_store.h"

typedef struct count {
	emr_store *store;
	const char *writer;
	unsigned long blocks, of_writer;
} count;

static emr_status note(void *context, const emr_cid *cid)
{
	count *c = context;
	emr_store_position at;
	EMR_AUTO_BUF block = {0};
	char name[EMR_SEGMENT_NAME_MAX] = "";
	emr_status status = emr_store_get_verified(c->store, cid, &block);

	if (status == EMR_OK)
		status = emr_store_locate(c->store, cid, &at);
	if (status != EMR_OK)
		return status;
	emr_store_segment_name(c->store, at.segment, name);
	c->blocks++;
	c->of_writer += strncmp(name + strlen("seg-"), c->writer, 32) == 0;
	return EMR_OK;
}

int main(int argc, char **argv)
{
	char blocks[4096], index[4096];
	emr_store_options options = {.path = blocks, .index_path = index, .read_only = true};
	count c = {.writer = argc == 4 ? argv[3] : ""};
	emr_cid cid, missing;
	emr_status status;

	if (argc != 4 || emr_cid_parse_text(argv[2], &cid) != EMR_OK)
		return 2;
	snprintf(blocks, sizeof blocks, "%s/blocks", argv[1]);
	snprintf(index, sizeof index, "%s/index", argv[1]);
	status = emr_store_open(&options, &c.store);
	if (status == EMR_OK)
		status = emr_store_walk(emr_store_blocks(c.store), &cid, note, &c, &missing);
	emr_store_close(c.store);
	if (status != EMR_OK)
		fprintf(stderr, "%s: %s\n", argv[2], emr_status_text(status));
	else
		printf("%lu %lu\n", c.blocks, c.of_writer);
	return status != EMR_OK;
}
