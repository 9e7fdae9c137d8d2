import pytest

from mezzotint.data import seal

KEY = bytes(range(32))
SECRET = bytes(range(100, 132))


def test_what_is_sealed_can_be_opened_again():
    sealed = seal.seal(KEY, "k1", SECRET)
    assert len(sealed) == 12 + 32 + 16
    assert SECRET not in sealed
    assert seal.unseal(KEY, "k1", sealed) == SECRET


def test_no_two_seals_are_alike():
    assert len({seal.seal(KEY, "k1", SECRET) for _ in range(100)}) == 100


def test_the_layout_stays():
    """Sealed by another implementation (PyCryptodome): blobs like it lie in databases, and edges open them too."""
    sealed = bytes.fromhex(
        "000102030405060708090a0b2367b07cad8ca870e12cf9e4c1980a1ef7a3"
        "f14388022507441a9bfa9de8823129a9b6be47958ecf60e4115c53d9aed8"
    )
    assert seal.unseal(KEY, "k1", sealed) == SECRET


@pytest.mark.parametrize("byte", [0, 11, 12, 43, 44, 59])
def test_a_changed_byte_is_refused(byte):
    sealed = bytearray(seal.seal(KEY, "k1", SECRET))
    sealed[byte] ^= 1
    with pytest.raises(ValueError, match="k1"):
        seal.unseal(KEY, "k1", bytes(sealed))


@pytest.mark.parametrize("length", [0, 12, 27, 59])
def test_a_cut_one_is_refused(length):
    with pytest.raises(ValueError, match="k1"):
        seal.unseal(KEY, "k1", seal.seal(KEY, "k1", SECRET)[:length])


def test_it_opens_for_its_own_kid_and_key_alone():
    sealed = seal.seal(KEY, "k1", SECRET)
    with pytest.raises(ValueError, match="k2"):
        seal.unseal(KEY, "k2", sealed)
    with pytest.raises(ValueError, match="k1"):
        seal.unseal(bytes(32), "k1", sealed)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700, 0o666])
def test_a_key_file_that_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "key"
    path.write_text(KEY.hex() + "\n")
    path.chmod(mode)
    with pytest.raises(ValueError, match="chmod 600"):
        seal.load_key(path)


@pytest.mark.parametrize(
    "text", ["", "00" * 31 + "\n", "00" * 33 + "\n", "zz" * 32 + "\n", "00 " * 32, "00" * 32 + "\n\n", "é" * 64]
)
def test_a_file_of_another_form_is_refused(tmp_path, text):
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ValueError, match="64 hex digits"):
        seal.load_key(path)


@pytest.mark.parametrize(("end", "mode"), [("\n", 0o600), ("\n", 0o400), ("", 0o600)])
def test_a_private_key_file_is_read(tmp_path, end, mode):
    path = tmp_path / "key"
    path.write_text(KEY.hex() + end)
    path.chmod(mode)
    assert seal.load_key(path) == KEY
