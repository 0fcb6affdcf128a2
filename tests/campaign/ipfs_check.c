/* This program is emrfs's side of tests/campaign/ipfs-check.sh: it makes real records, and opens a
 * store alone.
 *
 *   write STATE SIZE...   a new record of each size; prints SIZE and the CID of its bundle
 *   hold STATE SIZE...    the same, then "ready"; everything stays open until its input ends
 *   leaves STORE CID      the sealed leaves of the bundle's content, one after the other
 *   export STORE CID      a CAR of the bundle
 *   check STORE           opens, which repairs an end, then reads and repairs everything */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emr_stack.h"
#include "record/format.h"
#include "store/car.h"
#include "store/unixfs.h"

#define PIECE_BYTES ((size_t)1 << 20)

static emr_status write_bytes(emr_handle *handle, uint64_t size)
{
	EMR_AUTO_FREE uint8_t *piece = malloc(PIECE_BYTES);
	uint64_t x = size * 2654435761U + 1;
	emr_status status = piece == NULL ? EMR_NO_MEMORY : EMR_OK;

	for (uint64_t at = 0; status == EMR_OK && at < size; at += PIECE_BYTES) {
		size_t len = size - at < PIECE_BYTES ? (size_t)(size - at) : PIECE_BYTES;

		for (size_t i = 0; i < len; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			piece[i] = (uint8_t)x;
		}
		status = emr_view_write(handle, at, emr_bytes_of(piece, len));
	}
	return status;
}

/* The process in the name lets a state that was closed or killed be written to again. */
static void name_of(uint64_t size, char out[64])
{
	snprintf(out, 64, "r%llu-%ld", (unsigned long long)size, (long)getpid());
}

static emr_status write_record(emr_view *view, uint64_t size)
{
	char name[64];
	emr_handle *handle;
	emr_attr attr;
	emr_status status;

	name_of(size, name);
	status = emr_view_create(view, EMR_ROOT_NODE, name, 0600, O_RDWR, &attr, &handle);
	if (status != EMR_OK)
		return status;
	status = write_bytes(handle, size);
	if (status == EMR_OK)
		status = emr_view_fsync(handle);
	emr_view_release(handle);
	emr_view_forget(view, attr.node, 1);
	return status;
}

static emr_status print_record(emr_view *view, uint64_t size)
{
	EMR_AUTO_BUF cid = {0};
	char name[64];
	emr_attr attr;
	emr_status status;

	name_of(size, name);
	status = emr_view_find(view, name, &attr);
	if (status == EMR_OK)
		status = emr_view_get_attribute(view, attr.node, "user.emrfs.cid", &cid);
	if (status == EMR_OK)
		printf("%llu %.*s\n", (unsigned long long)size, (int)cid.len,
			(const char *)cid.data);
	return status;
}

static emr_status write_all(emr_view *view, char **sizes)
{
	emr_status status = EMR_OK;

	for (char **size = sizes; status == EMR_OK && *size != NULL; size++)
		status = write_record(view, strtoull(*size, NULL, 10));
	if (status == EMR_OK)
		status = emr_view_publish_now(view);
	for (char **size = sizes; status == EMR_OK && *size != NULL; size++)
		status = print_record(view, strtoull(*size, NULL, 10));
	return status;
}

static void say_notice(void *arg, const char *id, const char *path)
{
	(void)arg;
	fprintf(stderr, "notice: %s %s\n", id, path);
}

static emr_status run_state(const char *path, char **sizes, bool hold)
{
	emr_stack_options options = {.threads = true, .notice = say_notice};
	char keyfile[600];
	emr_stack stack;
	emr_status status = EMR_OK;

	snprintf(keyfile, sizeof keyfile, "%s/keyfile", path);
	if (access(keyfile, F_OK) != 0)
		status = emr_stack_create(path);
	if (status == EMR_OK)
		status = emr_stack_open(path, &options, &stack);
	if (status != EMR_OK)
		return status;
	status = write_all(stack.view, sizes);
	if (status == EMR_OK && hold) {
		puts("ready");
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	emr_stack_close(&stack);
	return status;
}

/* ---- the store alone ---- */

static emr_status writer_of(const char *path, emr_id16 *out_writer)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	emr_status status = EMR_NOT_FOUND;

	if (dir == NULL)
		return emr_status_from_errno(errno);
	while (status == EMR_NOT_FOUND && (entry = readdir(dir)) != NULL) {
		char hex[33];

		if (sscanf(entry->d_name, "seg-%32[0-9a-f]-", hex) == 1)
			status = emr_unhex(hex, out_writer->b, sizeof out_writer->b);
	}
	closedir(dir);
	return status;
}

static emr_status open_store(const char *path, bool read_only, emr_store **out_store)
{
	emr_store_options options = {
		.path = path, .writer = {{1}}, .read_only = read_only, .no_background = true};
	emr_status status = writer_of(path, &options.writer);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	return emr_store_open(&options, out_store);
}

static emr_status print_leaves(emr_store *store, const emr_unixfs_bundle *bundle)
{
	emr_block_store *blocks = emr_store_blocks(store);
	EMR_AUTO_BUF manifest = {0};
	EMR_AUTO_BUF leaf = {0};
	emr_m_header header;
	emr_bytes sealed;
	emr_unixfs_tree *tree;
	uint64_t count;
	emr_cid cid;
	emr_status status = emr_store_get_verified(store, &bundle->manifest, &manifest);

	if (status == EMR_OK)
		status = emr_m_header_decode(emr_buf_view(&manifest), &header, &sealed);
	if (status == EMR_OK)
		status = emr_unixfs_tree_open(
			blocks, &bundle->content, header.padded, header.leaf_log2, &tree);
	if (status != EMR_OK)
		return status;
	count = emr_unixfs_tree_shape(tree)->leaves;
	for (uint64_t i = 0; status == EMR_OK && i < count; i++) {
		emr_buf_clear(&leaf);
		status = emr_unixfs_tree_leaf(tree, i, &cid, NULL);
		if (status == EMR_OK)
			status = emr_store_get_verified(store, &cid, &leaf);
		if (status == EMR_OK && fwrite(leaf.data, 1, leaf.len, stdout) != leaf.len)
			status = EMR_IO;
	}
	emr_unixfs_tree_close(tree);
	return status;
}

static emr_status leaves_of(emr_store *store, const emr_cid *root)
{
	EMR_AUTO_BUF block = {0};
	emr_unixfs_bundle bundle;
	emr_status status = emr_store_get_verified(store, root, &block);

	if (status == EMR_OK)
		status = emr_unixfs_bundle_decode(emr_buf_view(&block), &bundle);
	return status == EMR_OK ? print_leaves(store, &bundle) : status;
}

/* ---- a CAR of all below a root, from a store or from a CAR ---- */

static emr_status write_block(void *context, const emr_cid *cid)
{
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
	EMR_AUTO_BUF block = {0};
	emr_block_store *blocks = context;
	emr_status status = blocks->ops->get_verified(blocks, cid, &block);
	size_t head_len = emr_car_section_head(head, cid, block.len);

	if (status == EMR_OK && (fwrite(head, 1, head_len, stdout) != head_len ||
					fwrite(block.data, 1, block.len, stdout) != block.len))
		status = EMR_IO;
	return status;
}

static emr_status export_car(emr_block_store *blocks, const emr_cid *root)
{
	EMR_AUTO_BUF header = {0};
	emr_status status = emr_car_write_header(&header, root, 1);

	if (status == EMR_OK && fwrite(header.data, 1, header.len, stdout) != header.len)
		status = EMR_IO;
	return status == EMR_OK ? emr_store_walk(blocks, root, write_block, blocks, NULL) : status;
}

static void say_damage(void *context, const emr_store_damage *damage)
{
	(void)context;
	printf("%s %s at %llu, %llu bytes\n", damage->torn ? "torn" : "damaged", damage->segment,
		(unsigned long long)damage->offset, (unsigned long long)damage->len);
}

/* Opening and checking repaired the damage that they found as well, so both are successes here. */
static emr_status check_store(emr_store *store)
{
	emr_status status = emr_store_each_damage(store, say_damage, NULL);

	if (status == EMR_OK)
		status = emr_store_mend(store, &(emr_store_damage_to){say_damage, NULL});
	return status == EMR_DAMAGED ? EMR_OK : status;
}

static emr_status run_store(const char *verb, const char *path, const char *root)
{
	bool changes = root == NULL;
	emr_store *store;
	emr_cid cid;
	emr_status status = EMR_OK;

	if (root != NULL)
		status = emr_cid_parse_text(root, &cid);
	if (status == EMR_OK)
		status = open_store(path, !changes, &store);
	if (status != EMR_OK)
		return status;
	if (strcmp(verb, "leaves") == 0)
		status = leaves_of(store, &cid);
	else if (strcmp(verb, "export") == 0)
		status = export_car(emr_store_blocks(store), &cid);
	else
		status = check_store(store);
	emr_store_close(store);
	return status;
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static emr_status run(int argc, char **argv)
{
	if (argc >= 3 && is_one_of(argv[1], "write", "hold"))
		return run_state(argv[2], argv + 3, strcmp(argv[1], "hold") == 0);
	if (argc == 4 && is_one_of(argv[1], "leaves", "export"))
		return run_store(argv[1], argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return run_store(argv[1], argv[2], NULL);
	return EMR_INVALID;
}

int main(int argc, char **argv)
{
	emr_status status = emr_base_init();

	if (status == EMR_OK)
		status = run(argc, argv);
	if (fflush(stdout) != 0 && status == EMR_OK)
		status = EMR_IO;
	if (status != EMR_OK)
		fprintf(stderr, "ipfs_check: %s\n", emr_status_text(status));
	return status == EMR_OK ? 0 : 1;
}
