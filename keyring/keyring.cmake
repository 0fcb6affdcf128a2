emr_module(keyring
	SOURCES keyring.c derive.c facts.c keyfile.c sign.c words.c words_find.c words_list.c content.c coowned.c listing.c settled.c
		succession.c trustees.c guardian.c
		local.c memo.c p256.c cert.c cert_read.c held.c part.c pseudonym.c text.c card.c card_text.c grant.c fragment.c
		access.c served.c answer.c report.c epoch.c writer_letter.c request.c sealed.c invite.c code.c csr.c
	USES base crypto
	PRIVATE_USES PkgConfig::sodium PkgConfig::jansson OpenSSL::Crypto)
