/* These are the checks on the ledger's side: that the file is whole, which network it is of, that
 * the entry is in the log, that the batch is signed and the item in it. */
#include "audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the checks on the ledger's side ---- */

static void check_content_parts(audit *a)
{
	static const uint8_t needed[] = {1, 2, 3, 4, 6, 9, 10, 11, 12, 13};

	for (size_t i = 0; i < sizeof needed; i++)
		if (part_of(&a->p, needed[i], 0).at == NULL)
			failed("format", "the part of type %u is missing", needed[i]);
	if (a->p.priv.len == 0)
		failed("format", "the private part is missing");
	if (part_of(&a->p, 1, 0).len != 384 || part_of(&a->p, 3, 0).len != 32 ||
		part_of(&a->p, 11, 0).len != 32)
		failed("format", "a part has a wrong length");
	a->statement = part_of(&a->p, 1, 0).at;
}

void check_format(audit *a)
{
	const char *why;

	check_content_parts(a);
	read_checkpoint(a->p.note, &a->head);
	why = entry_trouble(a->p.entry);
	if (why == NULL)
		why = item_trouble(a->p.item);
	if (why != NULL)
		failed("format", "%s", why);
	a->ledger_time = number(a->p.entry.at + 16, 8);
	shown("format", "a proof file of a content, whole and spelled in the one way");
}

void check_network(audit *a, const char *wanted)
{
	bytes descriptor = part_of(&a->p, 4, 0);
	hash net = labelled("emrfs/v1/net", 13, descriptor);

	(void)ca_of(descriptor, NULL, NULL);
	if (memcmp(net.b, a->head.net, 16) != 0)
		failed("network", "the checkpoint is of another network");
	if (memcmp(net.b, a->p.entry.at + 104 + 40, 16) != 0)
		failed("network", "the batch is of another network");
	if (wanted != NULL && strcmp(wanted, a->head.net_text) != 0)
		failed("network", "it is not the network that was asked for");
	shown("network", "network %s%s", a->head.net_text,
		wanted != NULL ? ", as asked for" : ": compare it with what the signer gives you");
}

void check_log_path(audit *a)
{
	char root[65];

	if (!entry_is_in_log(&a->p, &a->head))
		failed("log-path", "the entry is not in the tree that the checkpoint names");
	hex(a->head.root, 32, root);
	shown("log-path", "entry %llu stands in the ledger of %llu entries with root %s",
		(unsigned long long)a->p.index, (unsigned long long)a->head.size, root);
}

void check_keys(audit *a)
{
	bytes file;
	char ref[65];

	for (size_t i = 0; (file = part_of(&a->p, 6, i)).at != NULL; i++)
		check_key(a, file);
	for (size_t i = 0; (file = part_of(&a->p, 19, i)).at != NULL; i++) {
		if (a->n_keys == KEYS_MAX)
			failed("key", "there are too many keys");
		check_followed(a, file);
	}
	shown("key", "%zu key%s registered on the same ledger", a->n_keys,
		a->n_keys == 1 ? " is" : "s are");
	check_admissions(a);
	for (size_t i = 0; i < a->n_keys; i++)
		check_certificate(a, &a->keys[i]);
	for (size_t i = 0; i < a->n_keys; i++) {
		hex(a->keys[i].ref.b, 32, ref);
		shown("certificate", "%s, in force then, by the network's CA; SHA-256 %s",
			a->keys[i].name, ref);
	}
}

static bool cosignature_fits(const audit *a, const key *k, const signature *s)
{
	char name[64], time_line[40];
	uint8_t *message = malloc(40 + a->head.body.len);
	hash id;
	size_t len;
	bool fits;

	if (message == NULL)
		no_memory();
	snprintf(name, sizeof name, "emrfs/%s/%s\n\x04", a->head.net_text, s->name);
	id = labelled(name, strlen(name), (bytes){k->log_pk, 32});
	len = (size_t)snprintf(time_line, sizeof time_line, "time %llu\n",
		(unsigned long long)number(s->bytes + 4, 8));
	memcpy(message, time_line, len);
	memcpy(message + len, a->head.body.at, a->head.body.len);
	fits = memcmp(id.b, s->bytes, 4) == 0 &&
	       ed25519_fits(k->log_pk, (bytes){(const uint8_t *)"cosignature/v1\n", 15},
		       (bytes){message, len + a->head.body.len}, s->bytes + 12);
	free(message);
	return fits;
}

/* The signer of the batch, and the one who handed it in, are no witnesses of it. */
static bool is_witness(audit *a, const key *k)
{
	const uint8_t *e = a->p.entry.at;
	const key *submitter = key_of(a, e + 24),
		  *signer = key_of(a, hash_of((bytes){e + 104 + 8, 32}).b);

	return (submitter == NULL || first_of(submitter) != first_of(k)) &&
	       (signer == NULL || first_of(signer) != first_of(k));
}

void check_checkpoint(audit *a)
{
	size_t good = 0, witnesses = 0;

	for (size_t i = 0; i < a->n_keys; i++) {
		char name[17];

		hex(a->keys[i].id.b, 8, name);
		for (size_t j = 0; j < a->head.n_sigs; j++) {
			if (strcmp(name, a->head.sigs[j].name) != 0)
				continue;
			if (!cosignature_fits(a, &a->keys[i], &a->head.sigs[j]))
				failed("checkpoint", "a signature of the checkpoint does not fit");
			good++;
			witnesses += is_witness(a, &a->keys[i]);
			break;
		}
	}
	if (good == 0)
		failed("checkpoint", "no key in the file has signed the checkpoint");
	shown("checkpoint",
		"%zu good signature%s on it, %zu by keys that are not in the file; %zu witness%s",
		good, good == 1 ? "" : "s", a->head.n_sigs - good, witnesses,
		witnesses == 1 ? "" : "es");
}

void check_entry_and_batch(audit *a)
{
	const uint8_t *e = a->p.entry.at;
	bytes results = {e + 376, a->p.entry.len - 376};
	key *submitter = key_of(a, e + 24);
	hash digest = sha256((const bytes[]){{a->head.net, 16}, {e + 104, 208}}, 2);

	if ((e[5] == 1) != is_of_channel(part_of(&a->p, 4, 0)))
		failed("entry", "the entry is of another kind of ledger than its network has");
	if (submitter == NULL)
		failed("entry", "the key that handed in the batch is not shown");
	a->is_of_channel = e[5] == 1;
	if (!ed25519_fits(submitter->pk, (bytes){(const uint8_t *)"emrfs/v1/submit", 16},
		    (bytes){digest.b, 32}, e + 312))
		failed("entry", "the batch is not signed by the key that handed it in");
	shown("entry", "%s by %s",
		a->is_of_channel ? "of a channel of Fabric, by the word of who signed the "
				   "checkpoint; brought"
				 : "handed in",
		submitter->name);
	if (!batch_is_signed(&a->p))
		failed("batch", "the batch's signature does not fit");
	shown("batch", "the batch of %u item%s is signed", (unsigned)results.len,
		results.len == 1 ? "" : "s");
}

void check_item(audit *a)
{
	const uint8_t *item = a->p.item.at;
	uint8_t result;

	if (!item_is_in_batch(&a->p))
		failed("item", "the item is not in the signed batch");
	if (!hash_equals(hash_of((bytes){a->p.entry.at + 104 + 8, 32}), item + 80))
		failed("item", "the item names another signer than its batch");
	if (item[5] != 0x20 && item[5] != 0x22)
		failed("item", "the item does not save a content");
	shown("item", "item %u of it saves a content", a->p.item_index);
	result = a->p.entry.at[376 + a->p.item_index];
	if (result > 1)
		failed("result", "the ledger has it, and refused it (code %u)", result);
	shown("result", "the ledger accepted it");
}
