/* This file checks a proof file: it has the order of all checks, and those that concern the
 * ledger. It needs neither keyring nor ledger. */
#include "check_private.h"

#include <string.h>

#include "crypto/hashsig.h"

static const char *const step_texts[EMR_PROOF_STEPS] = {
	[EMR_PROOF_SOUND] = "",
	[EMR_PROOF_BAD_FORMAT] = "format",
	[EMR_PROOF_BAD_NETWORK] = "network",
	[EMR_PROOF_BAD_LOG_PATH] = "log-path",
	[EMR_PROOF_BAD_KEY] = "key",
	[EMR_PROOF_BAD_ADMISSION] = "admission",
	[EMR_PROOF_BAD_CERTIFICATE] = "certificate",
	[EMR_PROOF_BAD_CHECKPOINT] = "checkpoint",
	[EMR_PROOF_BAD_ENTRY] = "entry",
	[EMR_PROOF_BAD_BATCH] = "batch",
	[EMR_PROOF_BAD_ITEM] = "item",
	[EMR_PROOF_BAD_RESULT] = "result",
	[EMR_PROOF_BAD_PRIVATE_PART] = "private-part",
	[EMR_PROOF_BAD_CONTENT] = "content",
	[EMR_PROOF_BAD_STATEMENT] = "statement",
	[EMR_PROOF_BAD_OWNER] = "owner",
	[EMR_PROOF_BAD_PATIENT] = "patient",
	[EMR_PROOF_BAD_TYPE] = "type",
	[EMR_PROOF_BAD_COPY] = "copy",
};

const char *emr_proof_step_text(emr_proof_step step)
{
	return step < EMR_PROOF_STEPS ? step_texts[step] : "";
}

/* ---- the steps ---- */

static bool check_content_parts(checking *c)
{
	static const emr_proof_type needed[] = {EMR_PROOF_STATEMENT, EMR_PROOF_CHAIN, EMR_PROOF_HK,
		EMR_PROOF_DESCRIPTOR, EMR_PROOF_KEY, EMR_PROOF_MIME, EMR_PROOF_CARD,
		EMR_PROOF_PATIENT, EMR_PROOF_DIRECTORY, EMR_PROOF_MANIFEST};

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (emr_proof_part_of(c->proof, needed[i], 0).data == NULL)
			return fail(c, EMR_PROOF_BAD_FORMAT, "a part is missing");
	if (c->proof->priv.len == 0)
		return fail(c, EMR_PROOF_BAD_FORMAT, "the private part is missing");
	if (emr_proof_part_of(c->proof, EMR_PROOF_STATEMENT, 0).len != EMR_STATEMENT_BYTES + 64 ||
		emr_proof_part_of(c->proof, EMR_PROOF_HK, 0).len != 32 ||
		emr_proof_part_of(c->proof, EMR_PROOF_PATIENT, 0).len != 32)
		return fail(c, EMR_PROOF_BAD_FORMAT, "a part has a wrong length");
	return true;
}

static bool parse_ledger_parts(checking *c)
{
	const emr_proof *p = c->proof;

	if (emr_checkpoint_parse(p->note, &c->head) != EMR_OK)
		return fail(c, EMR_PROOF_BAD_FORMAT, "the checkpoint cannot be read");
	if (emr_entry_parse((emr_span){p->entry.data, p->entry.len}, &c->entry) !=
			EMR_CONTRACT_OK ||
		emr_header_parse((emr_span){c->entry.header, EMR_HEADER_BYTES}, &c->header) !=
			EMR_CONTRACT_OK)
		return fail(c, EMR_PROOF_BAD_FORMAT, "the ledger entry cannot be read");
	if (p->item.len < EMR_ITEM_BYTES || emr_item_parse((emr_span){p->item.data, EMR_ITEM_BYTES},
						    &c->item) != EMR_CONTRACT_OK)
		return fail(c, EMR_PROOF_BAD_FORMAT, "the ledger item cannot be read");
	return true;
}

static bool check_format(checking *c)
{
	return check_content_parts(c) && parse_ledger_parts(c);
}

static bool check_network(checking *c)
{
	emr_bytes descriptor = emr_proof_part_of(c->proof, EMR_PROOF_DESCRIPTOR, 0);
	const emr_span span = {descriptor.data, descriptor.len};
	emr_descriptor parsed;
	emr_id16 net;

	if (emr_descriptor_parse(span, &parsed) != EMR_CONTRACT_OK)
		return fail(c, EMR_PROOF_BAD_NETWORK, "the network's description cannot be read");
	emr_descriptor_net_id(span, net.b);
	if (!emr_id16_equal(net, c->head.net_id))
		return fail(c, EMR_PROOF_BAD_NETWORK, "the checkpoint is of another network");
	if (memcmp(net.b, c->header.net_id, 16) != 0)
		return fail(c, EMR_PROOF_BAD_NETWORK, "the batch is of another network");
	if (c->net != NULL && !emr_id16_equal(net, *c->net))
		return fail(c, EMR_PROOF_BAD_NETWORK, "it is not the network that was asked for");
	c->verdict->net_id = net;
	return true;
}

static bool check_log_path(checking *c)
{
	if (!is_in_log(c->proof, &c->head, &c->entry))
		return fail(c, EMR_PROOF_BAD_LOG_PATH,
			"the entry is not in the tree that the checkpoint names");
	c->verdict->size = c->head.size;
	memcpy(c->verdict->root, c->head.root, 32);
	c->verdict->seq = c->entry.seq;
	c->verdict->ledger_time = c->entry.ledger_time_unix_s;
	emr_batch_id(c->entry.header, c->verdict->batch_id.b);
	return true;
}

/* At least one good signature, and none that is wrong by a key that is known. */
static bool check_checkpoint(checking *c)
{
	emr_proof_verdict *v = c->verdict;

	for (size_t i = 0; i < c->n_keys; i++) {
		const known_key *key = &c->keys[i];
		emr_status status =
			emr_checkpoint_verify(&c->head, key->signer_id, key->pub.log_pk);

		if (status == EMR_NOT_FOUND)
			continue;
		if (status != EMR_OK)
			return fail(c, EMR_PROOF_BAD_CHECKPOINT,
				"a signature of the checkpoint does not fit");
		memcpy(v->names[v->n_names++], key->signer_id.b, 8);
	}
	if (v->n_names == 0)
		return fail(c, EMR_PROOF_BAD_CHECKPOINT,
			"no key in the file has signed the checkpoint");
	v->n_unknown = c->head.n_sigs - v->n_names;
	return true;
}

static bool check_entry(checking *c)
{
	emr_bytes descriptor = emr_proof_part_of(c->proof, EMR_PROOF_DESCRIPTOR, 0);
	const known_key *submitter = key_of(c, c->entry.submitter_id);
	uint8_t message[EMR_SUBMIT_MESSAGE_BYTES];

	if (c->entry.host != emr_descriptor_host((emr_span){descriptor.data, descriptor.len}))
		return fail(c, EMR_PROOF_BAD_ENTRY,
			"the entry is of another kind of ledger than its network has");
	if (submitter == NULL)
		return fail(
			c, EMR_PROOF_BAD_ENTRY, "the key that handed in the batch is not shown");
	c->verdict->is_of_channel = c->entry.host == EMR_HOST_FABRIC;
	emr_submit_message(c->verdict->net_id.b, c->entry.header, message);
	if (!emr_ed25519_verify(submitter->pk, message, sizeof message, c->entry.submit_sig))
		return fail(c, EMR_PROOF_BAD_ENTRY,
			"the batch is not signed by the key that handed it in");
	return true;
}

static bool check_batch(checking *c)
{
	if (!batch_is_signed(&c->entry, &c->header))
		return fail(c, EMR_PROOF_BAD_BATCH, "the batch's signature does not fit");
	return true;
}

static bool check_item(checking *c)
{
	uint8_t signer_id[32];

	if (!is_in_batch(c->proof, &c->header))
		return fail(c, EMR_PROOF_BAD_ITEM, "the item is not in the signed batch");
	emr_signer_id(c->header.signer_pk, signer_id);
	if (memcmp(signer_id, c->item.signer_id, 32) != 0)
		return fail(c, EMR_PROOF_BAD_ITEM, "the item names another signer than its batch");
	if (c->item.op != EMR_OP_PUT && c->item.op != EMR_OP_REWRAP)
		return fail(c, EMR_PROOF_BAD_ITEM, "the item does not save a content");
	return true;
}

static bool check_result(checking *c)
{
	c->verdict->result = c->entry.results.data[c->proof->item_index];
	if (c->verdict->result > EMR_RESULT_ALREADY)
		return fail(c, EMR_PROOF_BAD_RESULT, "the ledger has it, and refused it");
	return true;
}

/* ---- all of them ---- */

typedef bool (*step_fn)(checking *c);

static bool has_admissions(const checking *c)
{
	return emr_proof_part_of(c->proof, EMR_PROOF_ADMISSION, 0).data != NULL ||
	       emr_proof_part_of(c->proof, EMR_PROOF_APPROVAL, 0).data != NULL;
}

/* Steps that have nothing to look at are not counted. */
static bool is_counted(const checking *c, step_fn step)
{
	if (step == check_admissions)
		return has_admissions(c);
	return step != check_copy || c->copy_fd >= 0;
}

static void check_all(checking *c)
{
	static const step_fn steps[] = {check_format, check_network, check_log_path, check_keys,
		check_admissions, check_certificates, check_checkpoint, check_entry, check_batch,
		check_item, check_result, check_private_part, check_content, check_statement,
		check_owner, check_patient, check_type, check_copy};

	for (size_t i = 0; i < sizeof steps / sizeof *steps && c->status == EMR_OK; i++) {
		if (!steps[i](c))
			return;
		c->verdict->checks += is_counted(c, steps[i]);
	}
}

emr_status emr_proof_check(
	emr_bytes file, int copy_fd, const emr_id16 *net, emr_proof_verdict *out_verdict)
{
	EMR_AUTO_PROOF proof = {.index = 0};
	checking c = {.proof = &proof, .verdict = out_verdict, .net = net, .copy_fd = copy_fd};
	emr_status status = emr_proof_parse(file, &proof);

	*out_verdict = (emr_proof_verdict){.why = ""};
	if (status == EMR_NO_MEMORY)
		return status;
	if (status != EMR_OK) {
		fail(&c, EMR_PROOF_BAD_FORMAT,
			status == EMR_LIMIT ? "it is too long"
			: status == EMR_NEWER_FORMAT
				? "it has a newer format than 3, up to which this emrfs reads"
				: "it is no proof file, or not whole");
		return EMR_OK;
	}
	check_all(&c);
	for (size_t i = 0; i < c.n_admissions; i++)
		emr_buf_free(&c.admissions[i].part);
	return c.status;
}
