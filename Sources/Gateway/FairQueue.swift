/// A queue that takes turns among owners: each owner with waiting elements has a turn before any has a second one.
struct FairQueue<Owner: Hashable, Element> {
    private var waiting: [Owner: ArraySlice<Element>] = [:]
    /// Owners with waiting elements, in the order of their turns.
    private var turns = ArraySlice<Owner>()

    mutating func append(_ element: Element, for owner: Owner) {
        if waiting[owner] == nil { turns.append(owner) }
        waiting[owner, default: []].append(element)
    }

    /// Removes the first element of the first owner in turn for which `mayHave` is true.
    mutating func popFirst(where mayHave: (Owner) -> Bool) -> (owner: Owner, element: Element)? {
        guard let index = turns.firstIndex(where: mayHave) else { return nil }
        let owner = turns.remove(at: index)
        guard let element = waiting[owner]?.popFirst() else { return nil }
        if waiting[owner]?.isEmpty == true { waiting[owner] = nil } else { turns.append(owner) }
        return (owner, element)
    }
}
