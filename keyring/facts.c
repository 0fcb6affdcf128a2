/* This file keeps what a keyring holds besides its seed: a few values, which it wipes. */
#include "keyring_private.h"

static void forget_fact(emr_keyring_fact *fact)
{
	if (fact->value.len > 0)
		emr_wipe(fact->value.data, fact->value.len);
	emr_buf_free(&fact->value);
}

void emr_keyring_forget_facts(emr_keyring *kr)
{
	for (size_t i = 0; i < kr->nfacts; i++)
		forget_fact(&kr->facts[i]);
	pthread_mutex_destroy(&kr->facts_lock);
}

/* The index of the fact of TYPE, or nfacts. */
static size_t find_fact(const emr_keyring *kr, uint8_t type)
{
	size_t i = 0;

	while (i < kr->nfacts && kr->facts[i].type != type)
		i++;
	return i;
}

static void remove_fact(emr_keyring *kr, size_t i)
{
	if (i == kr->nfacts)
		return;
	forget_fact(&kr->facts[i]);
	kr->facts[i] = kr->facts[--kr->nfacts];
	kr->facts[kr->nfacts] = (emr_keyring_fact){0};
}

/* The lock is no key and nothing that can be seen: a keyring that does not change has it, too. */
void emr_keyring_hold_facts(const emr_keyring *kr)
{
	(void)pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&kr->facts_lock);
}

void emr_keyring_let_facts(const emr_keyring *kr)
{
	(void)pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&kr->facts_lock);
}

/* With the facts held. */
static emr_status put_fact(emr_keyring *kr, uint8_t type, emr_bytes value)
{
	size_t i = find_fact(kr, type);
	emr_buf copy = {0};

	if (value.len == 0) {
		remove_fact(kr, i);
		return EMR_OK;
	}
	if (i == EMR_KEYRING_TLVS)
		return EMR_LIMIT;
	EMR_TRY(emr_buf_append(&copy, value.data, value.len));
	if (i == kr->nfacts)
		kr->nfacts++;
	forget_fact(&kr->facts[i]);
	kr->facts[i] = (emr_keyring_fact){.type = type, .value = copy};
	return EMR_OK;
}

emr_status emr_keyring_tlv_set(emr_keyring *kr, emr_keyring_tlv type, emr_bytes value)
{
	emr_status status;

	if ((unsigned)type == 0 || (unsigned)type > UINT8_MAX || value.len > EMR_KEYRING_TLV_MAX)
		return EMR_INVALID;
	emr_keyring_hold_facts(kr);
	status = put_fact(kr, (uint8_t)type, value);
	emr_keyring_let_facts(kr);
	return status;
}

emr_status emr_keyring_fact_value(const emr_keyring *kr, emr_keyring_tlv type, emr_buf *out)
{
	emr_status status = EMR_NOT_FOUND;
	size_t i;

	emr_keyring_hold_facts(kr);
	i = find_fact(kr, (uint8_t)type);
	if (i < kr->nfacts)
		status = emr_buf_append(out, kr->facts[i].value.data, kr->facts[i].value.len);
	emr_keyring_let_facts(kr);
	return status;
}

emr_status emr_keyring_tlv_get(const emr_keyring *kr, emr_keyring_tlv type, emr_buf *out)
{
	return type == EMR_KEYRING_COPIES ? EMR_DENIED : emr_keyring_fact_value(kr, type, out);
}
