# What the program says and understands; knows no record, no ledger and no kernel.
emr_module(cmd_kit
	SOURCES message.c verbs.c args.c help.c out.c text.c places.c settings.c passphrase.c frame.c
	USES base keyring PkgConfig::jansson
	PRIVATE_USES PkgConfig::sodium)
