"""What every Store does with endpoints' identities."""

from msgspec.structs import replace

from milkrun.core.condition import parse_condition
from milkrun.store.protocol import Batch, Store
from tests.support.history import START, a_result, an_endpoint


async def test_an_endpoint_keeps_its_id_and_gets_a_revision_for_each_meaning(store: Store) -> None:
    [first] = await store.register([an_endpoint()])
    [again] = await store.register([an_endpoint()])
    [changed] = await store.register([an_endpoint(fingerprint="second")])
    [back] = await store.register([an_endpoint()])
    assert {one.id for one in (first, again, changed, back)} == {first.id}
    assert [one.revision for one in (first, again, changed, back)] == [1, 1, 2, 3]
    assert changed.endpoint.fingerprint == "second"


async def test_endpoints_are_registered_in_the_order_asked_and_with_ids_of_their_own(store: Store) -> None:
    await store.register([an_endpoint("b")])
    found = await store.register([an_endpoint("c"), an_endpoint("b"), an_endpoint("a")])
    assert [one.endpoint.name for one in found] == ["c", "b", "a"]
    assert len({one.id for one in found}) == 3


async def test_a_removed_endpoint_keeps_its_history_and_its_id(store: Store) -> None:
    await store.register([an_endpoint("gone"), an_endpoint("kept")])
    [gone] = await store.register([an_endpoint("gone")])
    await store.write(Batch(results=[a_result(gone.id)]))
    await store.register([an_endpoint("kept")])
    assert [one.slot for one in await store.results(gone.id, limit=5)] == [START]
    assert (await store.register([an_endpoint("gone")]))[0].id == gone.id


async def test_an_endpoint_is_registered_with_all_it_has(store: Store) -> None:
    conditions = tuple(parse_condition(f"[BODY].field{number} == {number}") for number in range(50))
    [found] = await store.register([replace(an_endpoint(), conditions=conditions)])
    assert found.endpoint.conditions == conditions
