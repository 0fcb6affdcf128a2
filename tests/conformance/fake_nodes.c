/* This file speaks to the nodes that are written for tests, and looks into the directory that they
 * share with these. */
#include "fake_nodes.h"

const char *node_address(const char *name)
{
	return printed("unix:%s/%s.sock", getenv("EMR_NODE_DIR"), name);
}

const char *node_file(const char *name)
{
	return printed("%s/%s", getenv("EMR_NODE_DIR"), name);
}

emr_ipfs *open_node(const char *name, emr_ipfs_kind kind)
{
	const emr_ipfs_options options = {
		.kind = kind, .address = node_address(name), .version = "0.1.0"};
	emr_ipfs *node = NULL;

	assert_ok(emr_ipfs_open(&options, &node, NULL));
	return node;
}

/* ---- What `good` holds ---- */

typedef struct giving {
	const emr_block *blocks;
	size_t count;
} giving;

static emr_status next_block(void *arg, bool *out_more, emr_block *out_block)
{
	giving *g = arg;

	*out_more = g->count > 0;
	if (g->count > 0) {
		*out_block = *g->blocks++;
		g->count--;
	}
	return EMR_OK;
}

void give_good(const emr_cid *root, const emr_block *blocks, size_t count)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_node("good", EMR_IPFS_KUBO);
	giving g = {blocks, count};
	const emr_ipfs_parcel parcel = {
		.roots = root, .root_count = 1, .next = next_block, .arg = &g};

	assert_ok(emr_ipfs_push(good, &call, &parcel));
}

void good_loses(const emr_cid *root)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_node("good", EMR_IPFS_KUBO);

	assert_ok(emr_ipfs_let_go(good, &call, root));
}

bool is_kept(const emr_cid *root)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_node("good", EMR_IPFS_KUBO);
	emr_ipfs_holding holding = {0};

	assert_ok(emr_ipfs_holds(good, &call, root, &holding));
	return holding.is_pinned && holding.is_whole;
}

static emr_status count_pin(void *arg, const emr_cid *root)
{
	(void)root;
	++*(size_t *)arg;
	return EMR_OK;
}

size_t pins_of_good(void)
{
	emr_ipfs_call call = emr_ipfs_call_of(PATIENCE_MS, -1);
	EMR_AUTO_IPFS good = open_node("good", EMR_IPFS_KUBO);
	size_t n = 0;

	assert_ok(emr_ipfs_each_pin(good, &call, count_pin, &n));
	return n;
}

/* ---- What nodes were asked, and are told ---- */

size_t asked(const char *words)
{
	char line[1024];
	size_t n = 0;
	FILE *file = fopen(node_file("asked"), "re");

	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		n += strstr(line, words) != NULL;
	if (file != NULL)
		(void)fclose(file);
	return n;
}

size_t asked_of(const emr_cid *cid)
{
	char text[EMR_CID_TEXT_CHARS + 1];

	emr_cid_text(cid, text);
	return asked(text);
}

void forget_asked(void)
{
	remove_node_file("asked");
}

void make_node_file(const char *name)
{
	(void)close(open(node_file(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

void remove_node_file(const char *name)
{
	(void)unlink(node_file(name));
}

void gate_is(bool is_open)
{
	if (is_open)
		make_node_file("open");
	else
		remove_node_file("open");
}
