/// What waits, by whom it is for: everybody with something waiting has a turn before anybody has a second one.
struct FairQueue<Owner: Hashable, Element> {
    private var waiting: [Owner: ArraySlice<Element>] = [:]
    /// Those with something waiting, the next one first.
    private var turns = ArraySlice<Owner>()

    mutating func append(_ element: Element, for owner: Owner) {
        if waiting[owner] == nil { turns.append(owner) }
        waiting[owner, default: []].append(element)
    }

    /// The next element of the next owner that may have one.
    mutating func popFirst(where mayHave: (Owner) -> Bool) -> (owner: Owner, element: Element)? {
        guard let index = turns.firstIndex(where: mayHave) else { return nil }
        let owner = turns.remove(at: index)
        guard let element = waiting[owner]?.popFirst() else { return nil }
        if waiting[owner]?.isEmpty == true { waiting[owner] = nil } else { turns.append(owner) }
        return (owner, element)
    }
}
