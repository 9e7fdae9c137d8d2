"""`python -m mezzotint.standalone.demo KEY_FILE`: a first organization with two pictures, and an operator's API key.

Whatever is there already stays as it is; a demo organization that was deleted stays deleted.
"""

import sys
from contextlib import suppress
from pathlib import Path

from mezzotint import settings, wiring
from mezzotint.model.asset import Access, Asset
from mezzotint.model.errors import Conflict, MezzotintError
from mezzotint.model.signing import KeyStatus
from mezzotint.services.caller import SCOPES, Caller
from mezzotint.standalone.scenery import landscape
from mezzotint.standalone.secrets_folder import write_private

ORGANIZATION, TENANT, SPACE = "demo", "studio", "gallery"
TAG = "demo"
CALLER = Caller("demo")


def main() -> None:
    house = wiring.build(settings.load())
    try:
        keep_api_key(house, Path(sys.argv[1]))
        make_place(house)
        place, there = house.assets.page(CALLER, ORGANIZATION, TENANT, SPACE, tag=TAG)
        pictures = {asset.access: asset for asset in there}
        day = pictures.get(Access.PUBLIC) or upload(house, Access.PUBLIC)
        night = pictures.get(Access.PRIVATE) or upload(house, Access.PRIVATE)
        public = house.links.of(CALLER, place, [day])[0].template.format(operations="w_800", ext="jpg")
        signed = house.links.sign_asset(CALLER, night.id, "w_800", "jpg")
    except MezzotintError as problem:
        sys.exit(f"  no demo pictures: {problem.detail}")
    sys.stdout.write(
        f"  public picture   {public}\n  signed picture   {signed.url}\n  API key          in {sys.argv[1]}\n"
    )


def keep_api_key(house: wiring.House, file: Path) -> None:
    if not file.exists():
        _, token = house.api_keys.create(CALLER, None, None, "scripts/run", SCOPES, for_operator=True)
        write_private(file, token + "\n")


def make_place(house: wiring.House) -> None:
    with suppress(Conflict):
        house.tenancy.create_organization(CALLER, ORGANIZATION, "Demo")
    with suppress(Conflict):
        house.tenancy.create_tenant(CALLER, ORGANIZATION, TENANT, "Studio")
    with suppress(Conflict):
        house.tenancy.create_space(CALLER, ORGANIZATION, TENANT, SPACE, "Gallery")
    _, keys = house.signing_keys.page(CALLER, ORGANIZATION, TENANT)
    if not any(key.status is KeyStatus.ACTIVE for key in keys):
        house.signing_keys.create(CALLER, ORGANIZATION, TENANT)


def upload(house: wiring.House, access: Access) -> Asset:
    private = access is Access.PRIVATE
    data = landscape(night=private)
    with house.spool.receive() as incoming:
        incoming.write(data, limit=len(data))
        name = "night.png" if private else "day.png"
        place = {"organization": ORGANIZATION, "tenant": TENANT, "space": SPACE}
        return house.ingest.add(CALLER, incoming.received, name, access=access, tags=[TAG], **place).located.asset


if __name__ == "__main__":
    main()
